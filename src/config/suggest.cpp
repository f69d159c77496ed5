#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace gh::config {
namespace {

constexpr std::size_t letters_max = 40;  // longer names are no slip of the finger

/// Edits between two short words: insert, remove, replace, swap neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::size_t, letters_max + 1>, 3> rows{};  // two back, one back, this one
    for (std::size_t j = 0; j <= b.size(); ++j) rows[1][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[2];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({rows[1][j] + 1, row[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], rows[0][j - 2] + 1);
            }
        }
        rows[0] = rows[1];
        rows[1] = row;
    }
    return rows[1][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view written, std::span<const std::string_view> known) {
    if (written.size() > letters_max) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(written.size() / 3, 1) + 1;
    for (const auto name : known) {
        if (name.size() > letters_max) continue;
        const auto edits = distance(written, name);
        if (edits < best_distance) {
            best = name;
            best_distance = edits;
        }
    }
    return best;
}

}  // namespace gh::config
