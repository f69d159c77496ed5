#include "telemetry/redaction/scan.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>

namespace gh::telemetry::redaction {
namespace {

constexpr Mark marks[] = {{"@", "", "", Mark::compared},
                          {"kK", "eE", "yY", 9},
                          {"-", "-", "-", Mark::compared},
                          {"e", "y", "J", 7}};

using Find = void (Scanner::*)(std::string_view, std::size_t, Scanner::Batch&) const;

std::set<std::size_t> places(const Scanner& scanner, std::string_view text, Find find) {
    std::set<std::size_t> all;
    Scanner::Batch batch;
    do {
        (scanner.*find)(text, batch.next, batch);
        all.insert(batch.places.begin(), batch.places.begin() + batch.count);
    } while (batch.next < text.size());
    return all;
}

TEST(Scanner, FindsEveryMarkAtEveryPlace) {
    const Scanner scanner(marks, true);
    for (std::size_t size = 0; size < 200; ++size) {
        for (std::size_t at = 0; at + 12 < size; ++at) {
            for (const std::string_view what : {"@", "KeY", "---", "eyJ", "12-34 56789"}) {
                std::string text(size, 'x');
                text.replace(at, what.size(), what);
                // On the heap and no byte longer, so that the sanitizer sees a step too far.
                const auto exact = std::make_unique<char[]>(size);
                text.copy(exact.get(), size);
                const std::string_view seen(exact.get(), size);
                EXPECT_TRUE(places(scanner, seen, &Scanner::find).contains(at)) << size << what;
                EXPECT_TRUE(places(scanner, seen, &Scanner::find_portably).contains(at)) << what;
            }
        }
    }
}

TEST(Scanner, BothWaysSeeTheSame) {
    const Scanner scanner(marks, true);
    std::mt19937 random(7);
    constexpr std::string_view alphabet = "@keyKEJ-1234567890 +%abcxyz\"";
    for (int round = 0; round < 2'000; ++round) {
        std::string text(random() % 300, ' ');
        for (char& c : text) c = alphabet[random() % alphabet.size()];
        // No more than one batch: its end within a run of digits has the rest of that named again.
        const auto seen = std::string_view(text).substr(0, 60);
        EXPECT_EQ(places(scanner, seen, &Scanner::find),
                  places(scanner, seen, &Scanner::find_portably))
            << text;
    }
}

}  // namespace
}  // namespace gh::telemetry::redaction
