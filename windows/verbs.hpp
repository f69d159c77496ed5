#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/secret.hpp"

namespace gh::windows {

/// What a command line says.
struct Said {
    std::string data = "data";
    std::string path;
    std::string field;
    std::string withdrawn;
    bool json = false;
    bool list = false;
    bool quiet = false;
    crypto::Secret typed;  ///< standard input, where the verb reads it
};

/// What a verb has to say; 0, 1: it failed, 2: it was called in a wrong way.
struct Outcome {
    int exit_code = 0;
    std::string out;
    std::string err;
    /// Where `out` could not be written: undoes what nobody has seen, and tells of it.
    std::function<std::string()> if_unseen = {};
};

using Verb = Outcome (*)(const Said&);

[[nodiscard]] Outcome set(const Said& said);
[[nodiscard]] Outcome get(const Said& said);
[[nodiscard]] Outcome list(const Said& said);
[[nodiscard]] Outcome remove(const Said& said);
[[nodiscard]] Outcome check(const Said& said);
[[nodiscard]] Outcome recovery_key(const Said& said);
[[nodiscard]] Outcome recover(const Said& said);

}  // namespace gh::windows
