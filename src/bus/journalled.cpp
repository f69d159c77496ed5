#include "bus/journalled.hpp"

#include "base/try.hpp"
#include "bus/message.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/uuid.hpp"
#include "storage/journal.hpp"
#include "storage/value.hpp"

namespace gh::bus {

std::string payload_of(const Acknowledgement& acknowledgement) {
    std::string payload;
    codec::json::Writer out(payload);
    out.begin_object().name("recipient").string(acknowledgement.recipient);
    out.name("ids").begin_array();
    for (const auto& id : acknowledgement.ids) out.string(id);
    out.end_array().name("at").integer(storage::microseconds_of(acknowledgement.at)).end_object();
    return payload;
}

Result<Acknowledgement> acknowledgement_of(std::string_view payload) {
    const auto bad = fail(ErrorKind::invalid_argument, "bus.payload");
    const auto read =
        codec::json::parse(payload, {.bytes_max = storage::journal_payload_bytes_max});
    if (!read) return bad;
    const auto* recipient = read->find_string("recipient");
    const auto* ids = read->find("ids");
    const auto* at = read->find("at");
    if (recipient == nullptr || !valid_address(*recipient) || ids == nullptr ||
        ids->array() == nullptr || at == nullptr || !at->integer()) {
        return bad;
    }
    Acknowledgement acknowledgement{.recipient = *recipient, .ids = {}, .at = {}};
    acknowledgement.at = storage::time_of(*at->integer());
    for (const auto& id : *ids->array()) {
        if (id.string() == nullptr || !codec::is_uuid(*id.string())) return bad;
        acknowledgement.ids.push_back(*id.string());
    }
    return acknowledgement;
}

}  // namespace gh::bus
