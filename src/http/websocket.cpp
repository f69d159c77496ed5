#include "http/websocket.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gh::http::websocket {
namespace {

constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t key_characters = 24, digest_bytes = 20;
constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t kept_bytes = 4096;
constexpr std::uint8_t final_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0f, mask_bit = 0x80;
constexpr std::uint8_t length_16 = 126, length_64 = 127;
constexpr std::size_t mask_bytes = 4;

bool is_base64(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool is_control(Opcode opcode) { return opcode >= Opcode::close; }

bool is_known(std::uint8_t opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

/// Those that may stand in a close frame (RFC 6455 §7.4): of the protocol, or of libraries and programs.
bool may_be_sent(unsigned code) {
    const bool of_the_protocol =
        code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    return of_the_protocol || (code >= 3000 && code <= 4999);
}

/// Network byte order.
std::uint64_t number_of(std::string_view octets) {
    std::uint64_t value = 0;
    for (const char c : octets) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

void append_number(std::string& out, std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 0xff);
}

}  // namespace

bool is_key(std::string_view text) {
    // The last of 22 characters has four bits that are no octet's.
    return text.size() == key_characters && text.ends_with("==") &&
           std::ranges::all_of(text.substr(0, 22), is_base64) &&
           std::string_view("AQgw").contains(text[21]);
}

std::string accept_of(std::string_view key) {
    std::string both(key);
    both += accept_suffix;
    std::array<unsigned char, digest_bytes> digest{};
    ::EVP_Digest(both.data(), both.size(), digest.data(), nullptr, ::EVP_sha1(), nullptr);
    std::array<unsigned char, 4 * (digest_bytes / 3 + 1) + 1> text{};
    const int size = ::EVP_EncodeBlock(text.data(), digest.data(), digest.size());
    return {text.begin(), text.begin() + size};
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
    out += static_cast<char>(final_bit | static_cast<std::uint8_t>(opcode));
    if (payload.size() < length_16) {
        out += static_cast<char>(payload.size());
    } else if (payload.size() <= 0xffff) {
        out += static_cast<char>(length_16);
        append_number(out, payload.size(), 2);
    } else {
        out += static_cast<char>(length_64);
        append_number(out, payload.size(), 8);
    }
    out += payload;
}

void append_close(std::string& out, CloseCode code, std::string_view reason) {
    std::string payload;
    if (code != CloseCode::no_status) {
        append_number(payload, std::to_underlying(code), 2);
        payload += reason.substr(0, control_bytes_max - 2);
    }
    append_frame(out, Opcode::close, payload);
}

void Reader::append(std::string_view octets) {
    octets_.erase(0, std::exchange(begin_, 0));
    if (octets_.empty() && octets_.capacity() > kept_bytes)
        octets_ = {};  // nobody waits on a large one
    octets_ += octets;
}

bool Reader::refuse(CloseCode why) {
    fault_ = why;
    octets_.clear();
    message_.clear();
    begin_ = 0;
    return false;
}

std::optional<Reader::Head> Reader::read_head() {
    const auto octets = std::string_view(octets_).substr(begin_);
    if (octets.size() < 2) return {};
    const auto first = static_cast<std::uint8_t>(octets[0]);
    const auto second = static_cast<std::uint8_t>(octets[1]);
    if ((first & reserved_bits) != 0 || !is_known(first & opcode_bits) ||
        (second & mask_bit) == 0) {
        refuse(CloseCode::protocol_error);
        return {};
    }
    Head head{.opcode = static_cast<Opcode>(first & opcode_bits),
              .final = (first & final_bit) != 0,
              .length = static_cast<std::uint64_t>(second & ~mask_bit),
              .bytes = 2};
    const std::size_t more = head.length == length_16 ? 2 : head.length == length_64 ? 8 : 0;
    head.bytes += more + mask_bytes;
    if (octets.size() < head.bytes - mask_bytes) return {};
    if (more > 0) head.length = number_of(octets.substr(2, more));
    if (!judge(head)) return {};
    // Only the shortest form is allowed (RFC 6455 §5.2).
    if ((more == 2 && head.length < length_16) || (more == 8 && head.length <= 0xffff)) {
        refuse(CloseCode::protocol_error);
        return {};
    }
    if (octets.size() < head.bytes || octets.size() - head.bytes < head.length) return {};
    return head;
}

/// Before its payload is waited for.
bool Reader::judge(const Head& head) {
    if (is_control(head.opcode))
        return (head.final && head.length <= control_bytes_max) ||
               refuse(CloseCode::protocol_error);
    const bool goes_on = head.opcode == Opcode::continuation;
    if (goes_on != message_opcode_.has_value()) return refuse(CloseCode::protocol_error);
    const auto room = message_bytes_max_ - message_.size();
    return head.length <= room || refuse(CloseCode::too_big);
}

std::string Reader::take_payload(const Head& head) {
    const auto octets = std::string_view(octets_).substr(begin_);
    const auto mask = octets.substr(head.bytes - mask_bytes, mask_bytes);
    std::string payload(octets.substr(head.bytes, head.length));
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<char>(payload[i] ^ mask[i % mask_bytes]);
    begin_ += head.bytes + payload.size();
    return payload;
}

std::optional<Received> Reader::take_control(const Head& head) {
    Received received{.opcode = head.opcode, .payload = take_payload(head)};
    if (head.opcode != Opcode::close || received.payload.empty()) return received;
    const auto code = number_of(std::string_view(received.payload).substr(0, 2));
    if (received.payload.size() < 2 || !may_be_sent(static_cast<unsigned>(code))) {
        refuse(CloseCode::protocol_error);
        return {};
    }
    received.code = static_cast<CloseCode>(code);
    received.payload.erase(0, 2);
    return received;
}

std::optional<Received> Reader::next() {
    while (!fault_) {
        const auto head = read_head();
        if (!head) return {};
        if (is_control(head->opcode)) return take_control(*head);
        if (!message_opcode_) message_opcode_ = head->opcode;
        message_ += take_payload(*head);
        if (!head->final) continue;
        Received received{.opcode = *message_opcode_, .payload = std::exchange(message_, {})};
        message_opcode_.reset();
        return received;
    }
    return {};
}

}  // namespace gh::http::websocket
