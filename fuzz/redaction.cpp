// Any bytes as what stands in a value of a log line, and as plain text. A line stays one line of JSON, what was redacted holds
// nothing more, and a mailbox and a password behind it are taken out.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "codec/json.hpp"
#include "telemetry/json_text.hpp"
#include "telemetry/redaction.hpp"

namespace {

using gh::telemetry::Redactor;
using enum gh::telemetry::RedactedKind;

void require(bool held) {
    if (!held) std::abort();
}

std::shared_ptr<const Redactor> make() {
    return Redactor::make({{email, card, ssn, secret, token, ip}, {"*@passes.example"}, {}})
        .value();
}

/// @return what it is redacted, or itself
std::string redacted(const Redactor& by, std::string_view text, Redactor::Form form) {
    // On the heap and no byte longer, so that a step beyond the end is seen.
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    std::string out;
    return by.redact({exact.get(), text.size()}, out, form) ? out : std::string(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto redactor = make();
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (size > 64 * 1024) return 0;

    const auto text = redacted(*redactor, bytes, Redactor::Form::text);
    require(redacted(*redactor, text, Redactor::Form::text) == text);

    if (gh::codec::json::parse(bytes)) {
        const auto line = redacted(*redactor, bytes, Redactor::Form::json);
        require(gh::codec::json::parse(line).has_value());
    }

    std::string line = R"({"level":"INFO","message":")";
    gh::telemetry::append_json_text(line, bytes);
    line += R"(","planted":"to plant@ed.example, password=pLaNt3d"})";
    const auto out = redacted(*redactor, line, Redactor::Form::json);
    require(gh::codec::json::parse(out).has_value());
    require(redacted(*redactor, out, Redactor::Form::json) == out);
    if (!bytes.contains("pLaNt3d")) require(!out.contains("pLaNt3d"));
    if (!bytes.contains("plant@ed")) require(!out.contains("plant@ed"));
    return 0;
}
