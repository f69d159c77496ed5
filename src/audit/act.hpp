#pragma once

#include <functional>
#include <string>
#include <utility>

#include "api/call.hpp"
#include "audit/log.hpp"
#include "audit/record.hpp"
#include "storage/database.hpp"

/// Records of what people and programs do, made where they do it.
namespace gh::audit {

/// Who asked for it, and from where; the rest of the record is the caller's to say.
/// @param action       "user.create": what was done, to what kind of thing
/// @param object_type  "user"
[[nodiscard]] Record act_of(const api::Call& call, std::string action, std::string object_type,
                            std::string object_id = {});

/// An act from the shell of this machine, where no credential is asked for: the actor is the user of the operating system.
[[nodiscard]] Record act_of_shell(std::string action, std::string object_type,
                                  std::string object_id = {});

/// An act of the house itself, which nobody asked for at that moment.
[[nodiscard]] Record act_of_house(std::string action, std::string object_type,
                                  std::string object_id = {});

/// For a repository's write: the record is in the log exactly when the write is in its tables.
/// @param say  what of the written thing the record tells; may be unset
template <class T>
[[nodiscard]] storage::Also<T> also(Record record,
                                    std::function<void(Record&, const T&)> say = {}) {
    return {.before = Log::lock,
            .after = [record = std::move(record), say = std::move(say)](storage::Session& session,
                                                                        const T& written) {
                auto told = record;
                if (say) say(told, written);
                return Log::append(session, std::move(told));
            }};
}

}  // namespace gh::audit
