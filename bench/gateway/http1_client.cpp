#include <algorithm>
#include <charconv>
#include <optional>

#include "client.hpp"
#include "clock.hpp"

namespace gh::bench {

namespace {

constexpr std::size_t head_bytes_max = 32 * 1024;

bool same_letters(std::string_view left, std::string_view lower) {
    return std::ranges::equal(
        left, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

/// One request at a time, answers with Content-Length only: every contestant passes the origin's on.
class Http1Client final : public Client {
 public:
    Http1Client(std::string_view path, Tally& tally) : tally_(tally) {
        start_ = "GET ";
        start_ += path;
        start_ += " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n";
    }

    void request(std::string_view token, std::int64_t due_ns) override {
        output_ += start_;
        if (!token.empty()) {
            output_ += "Authorization: Bearer ";
            output_ += token;
            output_ += "\r\n";
        }
        output_ += "\r\n";
        due_ns_ = due_ns;
        in_flight_ = 1;
    }

    bool receive(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (in_flight_ == 0) return false;
            if (!(in_body_ ? take_body(bytes) : take_head(bytes))) return false;
            if (in_body_ && left_ == 0) finish();
        }
        return true;
    }

 private:
    bool take_head(std::string_view& bytes) {
        auto searched = head_.size();
        head_ += bytes;
        auto end = head_.find("\r\n\r\n", searched < 3 ? 0 : searched - 3);
        if (end == std::string::npos) {
            bytes = {};
            return head_.size() <= head_bytes_max;
        }
        bytes.remove_prefix(end + 4 - searched);
        head_.resize(end + 2);
        in_body_ = true;
        offset_ = 0;
        return read_head();
    }

    bool read_head() {
        std::string_view rest = head_;
        if (!rest.starts_with("HTTP/1.1 ")) return false;
        auto status = number<int>(rest.substr(9, 3));
        std::optional<std::size_t> length;
        for (auto end = rest.find("\r\n"); end != std::string_view::npos; end = rest.find("\r\n")) {
            auto line = rest.substr(0, end);
            rest.remove_prefix(end + 2);
            constexpr std::string_view name = "content-length: ";
            if (line.size() > name.size() && same_letters(line.substr(0, name.size()), name))
                length = number<std::size_t>(line.substr(name.size()));
        }
        if (!status || !length) return false;
        status_ = *status;
        left_ = *length;
        body_is_right_ = !checks_body() || left_ == tally_.expected.body.size();
        return true;
    }

    bool take_body(std::string_view& bytes) {
        auto part = bytes.substr(0, left_);
        if (checks_body() && body_is_right_)
            body_is_right_ = tally_.expected.body.substr(offset_, part.size()) == part;
        offset_ += part.size();
        left_ -= part.size();
        bytes.remove_prefix(part.size());
        return true;
    }

    [[nodiscard]] bool checks_body() const { return tally_.expected.check_body; }

    void finish() {
        tally_.answer(status_, body_is_right_, now_ns() - due_ns_);
        head_.clear();
        in_body_ = false;
        in_flight_ = 0;
    }

    Tally& tally_;
    std::string start_;
    std::string head_;
    std::int64_t due_ns_ = 0;
    bool in_body_ = false;
    bool body_is_right_ = true;
    int status_ = 0;
    std::size_t left_ = 0;
    std::size_t offset_ = 0;
};

}  // namespace

std::unique_ptr<Client> make_http1_client(std::string path, Tally& tally) {
    return std::make_unique<Http1Client>(path, tally);
}

}  // namespace gh::bench
