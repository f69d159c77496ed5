#include "storage/value.hpp"

#include <algorithm>
#include <stdexcept>

#include "telemetry/json_text.hpp"

namespace gh::storage {
namespace {

template <class T>
const T& get(const Value& value, const char* wanted) {
    if (const auto* found = std::get_if<T>(&value)) return *found;
    throw std::logic_error(std::string("a column is not ") + wanted);
}

}  // namespace

std::int64_t microseconds_of(SystemTime time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

SystemTime time_of(std::int64_t microseconds) {
    static constexpr auto first = SystemTime::min(), last = SystemTime::max();
    const auto whole = std::clamp(microseconds, microseconds_of(first), microseconds_of(last));
    return SystemTime(
        std::chrono::duration_cast<SystemTime::duration>(std::chrono::microseconds(whole)));
}

bool storable(const Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return true;
    std::string_view rest = *text;
    rest.remove_prefix(telemetry::ascii_run(rest));
    while (!rest.empty()) {
        const auto length = telemetry::utf8_sequence(rest).length;
        if (length == 0 || rest.front() == '\0') return false;
        rest.remove_prefix(length);
    }
    return true;
}

bool Row::is_null(std::size_t column) const {
    return std::holds_alternative<std::nullptr_t>(values_[column]);
}

const std::string& Row::text(std::size_t column) const {
    return get<std::string>(values_[column], "text");
}

std::int64_t Row::integer(std::size_t column) const {
    return get<std::int64_t>(values_[column], "an integer");
}

double Row::number(std::size_t column) const {
    if (const auto* whole = std::get_if<std::int64_t>(&values_[column]))
        return static_cast<double>(*whole);
    return get<double>(values_[column], "a number");
}

bool Row::boolean(std::size_t column) const {
    if (const auto* found = std::get_if<bool>(&values_[column])) return *found;
    return get<std::int64_t>(values_[column], "a boolean") != 0;
}

const std::string& Row::octets(std::size_t column) const {
    return get<Blob>(values_[column], "octets").octets;
}

std::optional<std::string> Row::optional_text(std::size_t column) const {
    if (is_null(column)) return {};
    return text(column);
}

std::optional<SystemTime> Row::optional_time(std::size_t column) const {
    if (is_null(column)) return {};
    return time(column);
}

}  // namespace gh::storage
