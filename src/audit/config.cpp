#include "audit/config.hpp"

#include "audit/note.hpp"
#include "base/error.hpp"
#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::audit {
namespace {

Result<std::string> origin_of(const std::string& text) {
    if (is_note_name(text)) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no origin, wanted: at most 256 bytes without spaces and '+', such as "
                "gatehouse.example.com/audit");
}

}  // namespace

config::Type<AuditConfig> audit_type() {
    config::Object<AuditConfig> table;
    table.key(
        "origin", &AuditConfig::origin,
        config::parsed_text<std::string>(&origin_of, [](const std::string& text) { return text; }),
        "What the audit log calls itself where it is signed. Chosen once.");
    return table.type();
}

}  // namespace gh::audit
