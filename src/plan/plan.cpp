#include "plan/plan.hpp"

#include <algorithm>

namespace gh::plan {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool valid_id(std::string_view text) {
    return !text.empty() && text.size() <= id_bytes_max && is_letter_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) {
               return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
           });
}

}  // namespace gh::plan
