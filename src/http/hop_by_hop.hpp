#pragma once

#include "http/field.hpp"

namespace gh::http {

/// Fields that end at this hop whether Connection names them or not (RFC 9110 §7.6.1).
inline constexpr FieldSet hop_by_hop_fields{FieldId::connection,
                                            FieldId::keep_alive,
                                            FieldId::proxy_connection,
                                            FieldId::proxy_authorization,
                                            FieldId::te,
                                            FieldId::transfer_encoding,
                                            FieldId::upgrade,
                                            FieldId::proxy_authenticate};

[[nodiscard]] constexpr bool is_hop_by_hop(FieldId id) { return hop_by_hop_fields.has(id); }

/// Whether a Connection line among `fields` names this field, so that it must not be sent on.
/// Fields this house knows by id and that are not hop-by-hop are never removable that way: a client
/// must not be able to strip Host, Authorization, Cookie or X-Forwarded-For from what the upstream
/// sees.
[[nodiscard]] bool named_by_connection(const Fields& fields, const Field& field);

/// Removes the hop-by-hop fields and what Connection names, in one pass.
void remove_hop_by_hop(Fields& fields);

}  // namespace gh::http
