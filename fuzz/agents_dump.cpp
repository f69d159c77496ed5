// Dumps of agents: whatever they hold, what is read is what may be written, and all else is listed.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agents/import/dump.hpp"
#include "agents/import/timestamp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto moment = gh::agents::parse_timestamp(text);
    if (moment && *moment < gh::SystemTime()) std::abort();
    const auto dump = gh::agents::parse_dump(text);
    if (!dump) return 0;
    for (const auto& agent : dump->agents)
        if (!gh::agents::valid_hostname(agent.hostname)) std::abort();
    for (const auto& threat : dump->threats)
        if (!gh::agents::valid_word(threat.type) || threat.agent.empty()) std::abort();
    for (const auto& token : dump->tokens)
        if (token.agent.empty() || token.token_hash.empty()) std::abort();
    for (const auto& skipped : dump->skipped)
        if (skipped.why.empty() || skipped.entry.empty()) std::abort();
    return 0;
}
