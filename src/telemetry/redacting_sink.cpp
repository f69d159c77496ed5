#include "telemetry/redacting_sink.hpp"

#include <new>
#include <string>
#include <utility>

namespace gh::telemetry {
namespace {

constexpr std::size_t kept_bytes_max = 256 * 1024;  // a thread's buffer does not stay larger

std::uint64_t next_generation() {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// What this thread used last, and its buffer.
struct Desk {
    std::uint64_t generation = 0;
    std::shared_ptr<const Redactor> redactor;
    std::string text;
};

}  // namespace

RedactorSource::RedactorSource() : generation_(next_generation()) {}

void RedactorSource::publish(std::shared_ptr<const Redactor> redactor) {
    const std::scoped_lock lock(mutex_);
    redactor_ = std::move(redactor);
    generation_.store(next_generation(), std::memory_order_release);
}

std::shared_ptr<const Redactor> RedactorSource::current() const {
    const std::scoped_lock lock(mutex_);
    return redactor_;
}

void RedactingSink::append(std::string_view line) noexcept {
    thread_local Desk desk;
    try {
        if (const auto generation = source_.generation(); generation != desk.generation) {
            desk.redactor = source_.current();
            desk.generation = generation;
        }
        if (!desk.redactor || !desk.redactor->redact(line, desk.text)) {
            behind_.append(line);
            return;
        }
        behind_.append(desk.text);
        if (desk.text.capacity() > kept_bytes_max) desk.text = std::string();
    } catch (const std::bad_alloc&) {
        return;
    }
}

}  // namespace gh::telemetry
