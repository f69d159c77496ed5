// What recognising somebody costs. Prints Markdown, and ends with 1 when a ratio is above what is claimed.
//
//   gh_bench_identity tokens [ROUNDS]                  checking a token, against OpenSSL doing the cryptography of it alone
//   gh_bench_identity lookups URL [KEYS] [USERS]       looking up keys and users among few and among many; URL as
//                                                      storage.url, an empty database

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string_view>

namespace gh::bench {
bool tokens(std::size_t rounds);
bool lookups(std::string_view url, std::size_t keys, std::size_t users);
}  // namespace gh::bench

namespace {

std::size_t number(int count, char** arguments, int at, std::size_t otherwise) {
    if (at >= count) return otherwise;
    const std::string_view text = arguments[at];
    std::size_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    if (what == "tokens") return gh::bench::tokens(number(count, arguments, 2, 41)) ? 0 : 1;
    if (what == "lookups" && count > 2) {
        const auto keys = number(count, arguments, 3, 1'000'000);
        const auto users = number(count, arguments, 4, 10'000);
        return gh::bench::lookups(arguments[2], keys, users) ? 0 : 1;
    }
    fmt::print(stderr,
               "gh_bench_identity tokens [ROUNDS] | lookups URL [KEYS] [USERS]\n"
               "URL is an empty database: sqlite:/tmp/bench.db, postgresql://user@host/name\n");
    return 2;
}
