// Bodies and queries of our own API: what is read obeys its table, is written as it was read, and every refusal has a
// place, a code and a detail that can be sent.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/handle.hpp"
#include "api/paging.hpp"
#include "api/problem.hpp"
#include "api/testing.hpp"
#include "api/types.hpp"
#include "codec/utf8.hpp"

namespace {

using namespace gh;

void demand(bool holds) {
    if (!holds) std::abort();
}

struct Thing {
    std::string name;
    std::int64_t size = 0;
    std::optional<bool> active;
    std::vector<std::string> tags;
    std::map<std::string, std::int64_t> marks;
    std::optional<SystemTime> made;
};

const api::Type<Thing>& thing() {
    static const auto type =
        api::Object<Thing>("Thing", "x")
            .required("name", &Thing::name, api::text({.length_max = 8}), "x")
            .optional("size", &Thing::size, api::integer_64(-5, 1000), "x")
            .optional("active", &Thing::active, api::maybe(api::boolean()), "x")
            .optional("tags", &Thing::tags,
                      api::list_of(api::text({.lines = true}), {.items_max = 3, .distinct = true}),
                      "x")
            .optional("marks", &Thing::marks, api::map_of(api::integer_64(0, 9), 3), "x")
            .optional("made", &Thing::made, api::maybe(api::time()), "x")
            .type();
    return type;
}

Task<Result<api::Reply>> echo(api::Call, api::Page page, Thing read) {
    demand(page.limit >= 1 && page.limit <= api::page_limit_max);
    demand(page.offset == 0 || !page.after);
    const auto characters = codec::utf8_characters(read.name);
    demand(characters && *characters >= 1 && *characters <= 8);
    demand(!codec::has_control_character(read.name));
    demand(read.size >= -5 && read.size <= 1000);
    demand(read.tags.size() <= 3 && read.marks.size() <= 3);
    co_return api::reply(200, thing(), read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto handle =
        api::reading(echo, api::query(api::page_query("l", 1)), api::json_body(thing()));
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto line = std::min(input.find('\n'), input.size());
    const auto body = input.substr(std::min(input.size(), line + 1));
    api::FakeCall call("POST", "/things?" + std::string(input.substr(0, line)));
    call.send(std::string(body));
    const auto reply = call.ask(handle);
    demand(reply.has_value());
    const auto answer = codec::json::parse(reply->body);
    demand(answer.has_value());
    if (reply->status == 200) {
        api::FakeCall second("POST", "/things");
        const auto again = second.send(reply->body).ask(handle);
        demand(again && again->status == 200 && again->body == reply->body);
        return 0;
    }
    demand(reply->status == 400 || reply->status == 422);
    demand((reply->status == 422) == (answer->find("errors") != nullptr));
    return 0;
}
