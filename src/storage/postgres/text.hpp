#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "storage/value.hpp"

namespace gh::storage::postgres {

/// Parameters as the protocol wants them: text, but octets as they are. Borrows from what it was made of; one object serves
/// a connection for good, so that its memory is made once.
class ParameterText {
 public:
    void set(const Parameters& parameters);
    [[nodiscard]] int count() const { return static_cast<int>(values_.size()); }
    [[nodiscard]] const char* const* values() const { return values_.data(); }
    [[nodiscard]] const int* lengths() const { return lengths_.data(); }
    [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
    using Number = std::array<char, 32>;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
    std::vector<Number> numbers_;
};

/// Reads one column's text by its type's OID: whole numbers, booleans, floating point, bytea in hex, NUMERIC (a whole number
/// where it is one and fits, as sum() of BIGINT is); everything else stays text, JSON too.
/// @return `corrupt` "storage.corrupt" for text that its type does not have
[[nodiscard]] Result<Value> read_column(unsigned type, std::string_view text);

}  // namespace gh::storage::postgres
