#include "app/crash_handler.hpp"

#include <cxxabi.h>
#include <fcntl.h>
#include <link.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <typeinfo>

#include "app/crash_stack.hpp"
#include "app/crash_text.hpp"
#include "base/sanitized.hpp"
#include "base/signal_stack.hpp"
#include "telemetry/own_program.hpp"

namespace gh::app {
namespace {

constexpr std::size_t modules_max = 64;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t type_bytes_max = 200;
constexpr std::size_t symbol_bytes_max =
    2048;  // whole reports are shorter than who reads them takes
constexpr int signals_max = 64;

/// A text of its own size, for memory that a handler reads.
template <std::size_t Max>
struct Text {
    std::array<char, Max> bytes{};
    std::size_t size = 0;

    void assign(std::string_view text) noexcept {
        size = std::min(text.size(), Max);
        std::copy_n(text.data(), size, bytes.data());
    }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
};

struct Module {
    std::uint64_t base = 0, begin = 0, end = 0;
    Text<name_bytes_max> name;
};

/// What the handler knows: made at the start, never taken down, for a crash may come at the very end.
struct Facts {
    telemetry::OwnProgram program;
    Text<40> build_id;
    Text<name_bytes_max> version;
    std::array<Module, modules_max> modules;  // the program itself first
    std::size_t modules_count = 0;
    std::array<struct sigaction, signals_max> before{};
    std::atomic<int> folder{-1};
    std::atomic<pid_t> crashed{0};  // the thread whose crash is written down
    std::atomic<bool> terminating{false};
    std::atomic<bool> terminated{false};  // `exception` is there
    Text<type_bytes_max> exception;
};

// What a handler can reach is global by nature.
alignas(Facts) std::byte place[sizeof(Facts)];  // NOLINT(*-avoid-non-const-global-variables)
std::atomic<Facts*> facts{nullptr};             // NOLINT(*-avoid-non-const-global-variables)

std::string_view name_of(int signal) noexcept {
    switch (signal) {
        case SIGSEGV: return "SIGSEGV";
        case SIGBUS: return "SIGBUS";
        case SIGILL: return "SIGILL";
        case SIGFPE: return "SIGFPE";
        case SIGABRT: return "SIGABRT";
        default: return "?";
    }
}

int note_module(dl_phdr_info* info, std::size_t, void* data) {
    auto& to = *static_cast<Facts*>(data);
    if (to.modules_count == modules_max) return 1;
    Module module{.base = info->dlpi_addr, .begin = ~std::uint64_t{0}, .end = 0, .name = {}};
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& part = info->dlpi_phdr[i];
        if (part.p_type != PT_LOAD) continue;
        module.begin = std::min(module.begin, module.base + part.p_vaddr);
        module.end = std::max(module.end, module.base + part.p_vaddr + part.p_memsz);
    }
    const std::string_view path(info->dlpi_name == nullptr ? "" : info->dlpi_name);
    module.name.assign(to.modules_count == 0 ? "gatehouse" : path.substr(path.rfind('/') + 1));
    if (module.begin < module.end) to.modules[to.modules_count++] = module;
    return 0;
}

const Module* module_of(const Facts& known, std::uint64_t address) noexcept {
    for (std::size_t i = 0; i < known.modules_count; ++i) {
        const auto& each = known.modules[i];
        if (address >= each.begin && address < each.end) return &each;
    }
    return nullptr;
}

void write_frame(CrashText& out, const Facts& known, std::size_t index, std::uint64_t address) {
    out.put("#").number(index).put(" ").hex(address);
    if (const auto* module = module_of(known, address)) {
        const auto linked = address - module->base;
        out.put(" ").put(module->name.view()).put("+").hex(linked);
        if (module == known.modules.data()) {
            if (const auto symbol = known.program.symbols().find(linked))
                out.put(" ")
                    .put(symbol->name.substr(0, symbol_bytes_max))
                    .put("+")
                    .hex(linked - symbol->start);
        }
    }
    out.end();
}

void write_thread(CrashText& out) noexcept {
    std::array<char, 17> name{};
    ::prctl(PR_GET_NAME, name.data());
    out.put("thread: ").number(static_cast<std::uint64_t>(::gettid())).put(" ");
    for (const char c : std::string_view(name.data())) {
        const char printed[] = {c > ' ' && c < 0x7f ? c : '_'};
        out.put({printed, 1});
    }
    out.end();
}

void write_head(CrashText& out, const Facts& known, std::string_view time, int signal,
                const siginfo_t& about) noexcept {
    const bool fault = about.si_code > 0 && signal != SIGABRT;
    out.put("gatehouse crashed\ntime: ").put(time).put("\nversion: ").put(known.version.view());
    out.put("\nbuild id: ").put(known.build_id.view()).put("\nprocess: ");
    out.number(static_cast<std::uint64_t>(::getpid())).end();
    write_thread(out);
    out.put("signal: ").number(static_cast<std::uint64_t>(signal)).put(" ").put(name_of(signal));
    out.end();
    if (fault) out.put("address: ").hex(reinterpret_cast<std::uint64_t>(about.si_addr)).end();
    if (known.terminated) out.put("exception: ").put(known.exception.view()).end();
    const auto& own = known.modules.front();
    out.put("loaded: ").hex(own.begin).put(" ").hex(own.end - own.begin).end();
    out.put("stack:").end();
}

void write_stack(CrashText& out, const Facts& known, const CrashStack& stack) noexcept {
    for (std::size_t i = 0; i < stack.count; ++i) write_frame(out, known, i, stack.frames[i]);
    out.put("end").end();
}

int open_file(const Facts& known, std::string_view time) noexcept {
    if (known.folder < 0) return -1;
    std::array<char, 64> name{};
    std::size_t size = 0;
    const auto add = [&](std::string_view text) {
        std::copy_n(text.data(), text.size(), name.data() + size);
        size += text.size();
    };
    add(time);
    add("-");
    std::array<char, 12> digits{};
    std::size_t first = digits.size();
    for (auto left = static_cast<unsigned>(::getpid()); first == digits.size() || left > 0;
         left /= 10)
        digits[--first] = static_cast<char>('0' + left % 10);
    add({digits.data() + first, digits.size() - first});
    add(".txt");
    return ::openat(known.folder, name.data(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
}

void write_down(const Facts& known, int signal, const siginfo_t& about,
                const void* context) noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::array<char, crash_time_bytes> text{};
    write_crash_time(text.data(), now.tv_sec);
    const std::string_view time(text.data(), text.size());
    const int fd = open_file(known, time);
    CrashText file(fd);
    write_head(file, known, time, signal, about);
    CrashStack stack;
    walk_crashed(stack, context);
    write_stack(file, known, stack);
    // Whole on disk before standard error is asked for: behind that may be a pipe that nobody reads.
    if (fd >= 0) ::fsync(fd);
    CrashText out(STDERR_FILENO);
    write_head(out, known, time, signal, about);
    write_stack(out, known, stack);
}

/// Another thread's crash is being written down: not for ever.
void wait_for_other() noexcept {
    const timespec long_enough{.tv_sec = 5, .tv_nsec = 0};
    ::nanosleep(&long_enough, nullptr);
}

void on_crash(int signal, siginfo_t* about, void* context) {
    auto& known = *facts.load();
    pid_t nobody = 0;
    if (known.crashed.compare_exchange_strong(nobody, ::gettid())) {
        write_down(known, signal, *about, context);
    } else if (nobody != ::gettid()) {
        wait_for_other();
    }
    // As if we had not been here: a fault comes again when the code goes on, what was sent is sent again.
    ::sigaction(signal, &known.before[static_cast<std::size_t>(signal)], nullptr);
    if (about->si_code <= 0) ::syscall(SYS_tgkill, ::getpid(), ::gettid(), signal);
}

/// Of the exception only its type: what it says may be anything.
[[noreturn]] void on_terminate() {
    if (auto* known = facts.load(); known != nullptr && !known->terminating.exchange(true)) {
        const auto* type = abi::__cxa_current_exception_type();
        known->exception.assign(type != nullptr ? type->name() : "none");
        known->terminated = true;
    }
    std::abort();
}

void note_build_id(Facts& to) {
    for (const auto byte : to.program.build_id()) {
        if (to.build_id.size + 2 > to.build_id.bytes.size()) return;
        for (const int shift : {4, 0}) {
            to.build_id.bytes[to.build_id.size++] =
                "0123456789abcdef"[(static_cast<unsigned>(byte) >> shift) & 0xf];
        }
    }
}

Facts& known_facts() {
    static Facts& made = [] -> Facts& {
        auto& each = *std::construct_at(reinterpret_cast<Facts*>(place));
        note_build_id(each);
        ::dl_iterate_phdr(&note_module, &each);
        return each;
    }();
    return made;
}

}  // namespace

void install_crash_handler(std::string_view version) {
    if (sanitized || facts.load() != nullptr) return;
    auto& known = known_facts();
    known.version.assign(version);
    prepare_crash_walk();
    facts = &known;
    keep_signal_stack();
    std::set_terminate(&on_terminate);
    struct sigaction action{};
    action.sa_sigaction = &on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigfillset(&action.sa_mask);
    leave_fault_signals(action.sa_mask);
    for (const int signal : fault_signals)
        ::sigaction(signal, &action, &known.before[static_cast<std::size_t>(signal)]);
}

Result<void> keep_crashes_in(const std::filesystem::path& folder) {
    if (sanitized) return {};
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno(ErrorKind::unavailable, "crash.folder", folder.string(), errno);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return fail_errno(ErrorKind::unavailable, "crash.folder", folder.string(), errno);
    if (::fchmod(fd, 0700) != 0) {
        const int why = errno;
        ::close(fd);
        return fail_errno(ErrorKind::unavailable, "crash.folder", folder.string(), why);
    }
    if (const int before = known_facts().folder.exchange(fd); before >= 0) ::close(before);
    return {};
}

std::string_view build_id() { return known_facts().build_id.view(); }

}  // namespace gh::app
