#include "api/handle.hpp"

#include <unordered_set>

#include "codec/form.hpp"
#include "codec/json.hpp"

namespace gh::api {
namespace {

using codec::json::Members;
using codec::json::Value;

void refuse_syntax(Unread& unread, std::string_view code, std::string detail) {
    if (unread.status == 400) return;
    unread.status = 400;
    unread.code = code;
    unread.detail = std::move(detail);
    unread.errors.clear();
}

void read_value(const Value& value, FieldError::In in, bool textual, Unread& unread,
                const ReadValue& read) {
    if (unread.status == 400) return;
    Reader reader(in, textual, unread.errors);
    const auto before = unread.errors.size();
    const bool good = read(value, reader) && unread.errors.size() == before;
    if (good || unread.status != 0) return;
    unread.status = 422;
    unread.code = "request.invalid";
    unread.detail =
        "The request was understood, but some of its values are not allowed; see errors.";
}

}  // namespace

void read_json(const Call& call, Unread& unread, const ReadValue& read) {
    if (call.body.empty()) {
        refuse_syntax(unread, "body.missing", "A JSON body is wanted.");
        return;
    }
    const auto value = codec::json::parse(call.body, {.bytes_max = call.body.size()});
    if (!value) {
        refuse_syntax(
            unread, value.error().reason,
            "The request body is not JSON that can be read, " + value.error().detail + ".");
        return;
    }
    read_value(*value, FieldError::In::body, false, unread, read);
}

void read_pairs(std::string_view text, FieldError::In in, Unread& unread, const ReadValue& read) {
    const auto form = codec::parse_form(text, {.bytes_max = text.size()});
    if (!form) {
        refuse_syntax(unread, form.error().reason,
                      in == FieldError::In::body ? "The form in the body is malformed."
                                                 : "The query is malformed.");
        return;
    }
    Members members;
    std::unordered_set<std::string_view> seen;
    for (const auto& [name, value] : form->pairs()) {
        if (seen.insert(name).second) {
            members.emplace_back(name, Value(Value::Storage(value)));
            continue;
        }
        read_value({}, in, true, unread, [&twice = name](const Value&, Reader& reader) {
            const auto step = reader.enter(twice);
            reader.refuse("duplicate", "Must not be there twice.");
            return false;
        });
    }
    read_value(Value(Value::Storage(std::move(members))), in, true, unread, read);
}

Task<Result<Reply>> refuse_unread(Call call, Unread unread) {
    co_return refusal(call, unread.status, unread.code, unread.detail, unread.errors);
}

Input<std::string_view> raw_body(std::vector<std::string> media_types) {
    return {[](const Call& call, Unread&, std::string_view& into) { into = call.body; },
            [media_types](Contract& contract) { contract.media_types = media_types; }};
}

void describe_parameter(codec::json::Writer& out, Schemas& schemas, const std::string& name,
                        const std::string& doc, bool required, const Describe& schema) {
    out.begin_object().name("name").string(name).name("in").string("query");
    out.name("description").string(doc).name("required").boolean(required).name("schema");
    schema(out, schemas);
    out.end_object();
}

}  // namespace gh::api
