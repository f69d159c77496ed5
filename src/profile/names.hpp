#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gh::profile {

/// What an address of code is called.
struct Function {
    std::string name;    ///< as people read it; "[libcrypto.so.3]" or an address where nobody knows
    std::string symbol;  ///< as the linker knows it; may be empty
    std::string module;  ///< the file it is in; empty: unknown
    std::uint64_t start = 0;  ///< of the function, or the address itself
    bool ours = false;        ///< of this program, not of a library
    bool coroutine = false;   ///< the part of one that is resumed
};

/// Names of functions: ours from the program's own file, those of libraries as the dynamic linker knows them. Reads the
/// file when it is first asked, and keeps what it has found. Thread-safe; blocks: not for a worker.
class Names {
 public:
    static constexpr std::size_t kept_max = 16'384;

    Names();
    ~Names();
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    [[nodiscard]] Function of(std::uint64_t address);
    /// Lets go of what was found, once a report is written: names are long.
    void forget();
    /// Of this program, in hex; empty where the linker gave none.
    [[nodiscard]] std::string build_id();

 private:
    struct Own;
    [[nodiscard]] Own& own();

    std::mutex mutex_;
    std::unique_ptr<Own> own_;  // null: nobody has asked
    std::unordered_map<std::uint64_t, Function> known_;
};

/// A coroutine's symbol ends in ".resume" (clang) or ".actor" (gcc), and says so in words for people.
[[nodiscard]] std::string readable(std::string_view symbol);
[[nodiscard]] bool is_coroutine(std::string_view symbol);

}  // namespace gh::profile
