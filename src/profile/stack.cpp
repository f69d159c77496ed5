#include "profile/stack.hpp"

#include <fcntl.h>
#include <ucontext.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"

extern "C" const char __ehdr_start;  // by the linker: where the program begins
extern "C" const char etext;         // and where its code ends

namespace gh::profile {
namespace {

constexpr std::uint64_t word_bytes = 8;
constexpr std::uint64_t words_searched_max = 2048;  // of one library's frames
constexpr std::size_t maps_bytes_max = std::size_t{4} << 20;

std::uint64_t number_of(const char& place) { return reinterpret_cast<std::uint64_t>(&place); }

bool is_ours(std::uint64_t address) noexcept {
    return address >= number_of(__ehdr_start) + 16 && address < number_of(etext);
}

/// A word of the stack that is looked at from outside: sanitizers would take it for an error.
__attribute__((no_sanitize("address", "thread", "undefined"))) std::uint64_t load(
    std::uint64_t address) noexcept {
    return *reinterpret_cast<const volatile std::uint64_t*>(address);
}

/// Is this where a call of ours returns to?
__attribute__((no_sanitize("address", "thread", "undefined"))) bool follows_call(
    std::uint64_t address) noexcept {
    if (!is_ours(address)) return false;
#if defined(__x86_64__)
    const auto* code = reinterpret_cast<const volatile unsigned char*>(address);
    if (code[-5] == 0xe8) return true;
    for (const int length : {2, 3, 4, 6, 7}) {  // call through a register or memory: ff /2
        if (code[-length] == 0xff && (code[1 - length] & 0x38) == 0x10) return true;
    }
    return false;
#else
    return true;
#endif
}

class Walk {
 public:
    Walk(std::uint64_t end, const MemoryMap* code) noexcept : end_(end), code_(code) {}

    std::optional<Registers> caller(const Registers& at) const noexcept {
        if (is_ours(at.code)) {
            if (const auto found = by_frame(at)) return found;
        }
        return by_search(at);
    }

 private:
    [[nodiscard]] bool is_frame(std::uint64_t frame, std::uint64_t above) const noexcept {
        return frame >= above && frame % word_bytes == 0 && frame < end_ &&
               end_ - frame >= 2 * word_bytes;
    }

    [[nodiscard]] std::optional<Registers> by_frame(const Registers& at) const noexcept {
        if (!is_frame(at.frame, at.stack)) return {};
        const auto back = load(at.frame + word_bytes);
        const bool sound = is_ours(back) ? follows_call(back) : code_ && code_->is_code(back);
        if (!sound) return {};
        return Registers{back, load(at.frame), at.frame + 2 * word_bytes};
    }

    /// The next return into our code that stands on the stack, and its frame: which the library left alone, or has saved
    /// below it, as whoever uses that register must.
    [[nodiscard]] std::optional<Registers> by_search(const Registers& at) const noexcept {
        const auto from = (at.stack + word_bytes - 1) / word_bytes * word_bytes;
        if (from >= end_) return {};
        const auto until = std::min(end_ - from, words_searched_max * word_bytes) + from;
        for (auto place = from; place + word_bytes <= until; place += word_bytes) {
            const auto back = load(place);
            if (!follows_call(back)) continue;
            const auto above = place + word_bytes;
            if (leads_on(at.frame, above)) return Registers{back, at.frame, above};
            for (auto saved = place; saved > from;) {
                saved -= word_bytes;
                if (leads_on(load(saved), above)) return Registers{back, load(saved), above};
            }
            return Registers{back, 0, above};
        }
        return {};
    }

    [[nodiscard]] bool leads_on(std::uint64_t frame, std::uint64_t above) const noexcept {
        if (!is_frame(frame, above)) return false;
        const auto back = load(frame + word_bytes);
        return follows_call(back) || (code_ && !is_ours(back) && code_->is_code(back));
    }

    std::uint64_t end_;
    const MemoryMap* code_;
};

std::string maps_text() {
    std::string text;
    const UniqueFd fd(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
    std::array<char, 16384> part;
    while (fd && text.size() < maps_bytes_max) {
        const auto got = ::read(fd.get(), part.data(), part.size());
        if (got <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

Registers registers_of(const void* context) noexcept {
    const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return {static_cast<std::uint64_t>(machine.gregs[REG_RIP]),
            static_cast<std::uint64_t>(machine.gregs[REG_RBP]),
            static_cast<std::uint64_t>(machine.gregs[REG_RSP])};
#elif defined(__aarch64__)
    return {machine.pc, machine.regs[29], machine.sp};
#else
#error "say where this processor keeps its registers"
#endif
}

MemoryMap MemoryMap::read() {
    MemoryMap map;
    const auto text = maps_text();
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        Range range{};  // "begin-end rwxp ..."
        const auto* last = line.data() + line.size();
        const auto first = std::from_chars(line.data(), last, range.begin, 16);
        if (first.ec != std::errc{} || first.ptr == last) continue;
        const auto second = std::from_chars(first.ptr + 1, last, range.end, 16);
        if (second.ec != std::errc{} || last - second.ptr < 5) continue;
        if (second.ptr[1] == 'r' && second.ptr[2] == 'w') map.writable_.push_back(range);
        if (second.ptr[3] == 'x') map.code_.push_back(range);
    }
    return map;
}

const MemoryMap::Range* MemoryMap::range_of(const std::vector<Range>& ranges,
                                            std::uint64_t address) noexcept {
    const auto after = std::ranges::upper_bound(ranges, address, {}, &Range::begin);
    if (after == ranges.begin()) return nullptr;
    const auto& range = *std::prev(after);
    return address < range.end ? &range : nullptr;
}

std::uint64_t MemoryMap::stack_end(std::uint64_t address) const noexcept {
    const auto* range = range_of(writable_, address);
    return range != nullptr ? range->end : 0;
}

bool MemoryMap::is_code(std::uint64_t address) const noexcept {
    return range_of(code_, address) != nullptr;
}

void walk(Stack& stack, Registers at, std::uint64_t stack_end, const MemoryMap* code) noexcept {
    stack.depth = 0;
    stack.push(at.code);
    const Walk walk(stack_end, code);
    while (stack.depth < Stack::depth_max && at.stack < stack_end) {
        const auto caller = walk.caller(at);
        if (!caller) return;
        at = *caller;
        stack.push(at.code - 1);
    }
}

}  // namespace gh::profile
