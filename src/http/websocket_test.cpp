#include "http/websocket.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gh::http::websocket {
namespace {

using namespace std::string_literals;

/// A client's frame, masked with a mask of which no octet is zero.
std::string frame(Opcode opcode, std::string_view payload, bool final = true) {
    std::string whole;
    append_frame(whole, opcode, payload);
    if (!final) whole[0] = static_cast<char>(whole[0] & 0x7f);
    const auto head = whole.size() - payload.size();
    whole[1] = static_cast<char>(whole[1] | 0x80);
    const std::string mask = "\x37\xfa\x21\x3d";
    for (std::size_t i = 0; i < payload.size(); ++i)
        whole[head + i] = static_cast<char>(whole[head + i] ^ mask[i % 4]);
    return whole.insert(head, mask);
}

std::vector<Received> all_of(Reader& reader) {
    std::vector<Received> all;
    while (auto one = reader.next()) all.push_back(*std::move(one));
    return all;
}

std::optional<CloseCode> fault_of(const std::string& octets, std::size_t bytes_max = 1000) {
    Reader reader(bytes_max);
    reader.append(octets);
    EXPECT_TRUE(all_of(reader).empty());
    return reader.fault();
}

TEST(WebSocketHandshake, AcceptsAsTheStandardsExample) {
    EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_TRUE(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
    for (const auto* none :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQ==x",
          "dGhlIHNhbXBsZSBub25 ZQ==", "dGhlIHNhbXBsZSBub25jZSEx"})
        EXPECT_FALSE(is_key(none)) << none;
}

TEST(WebSocketReader, ReadsTheStandardsExamples) {
    Reader reader(1000);
    reader.append("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);  // RFC 6455 §5.7
    const auto one = reader.next();
    ASSERT_TRUE(one);
    EXPECT_EQ(one->opcode, Opcode::text);
    EXPECT_EQ(one->payload, "Hello");
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.fault());
}

TEST(WebSocketReader, PutsMessagesTogetherWhateverPiecesTheyComeIn) {
    const auto octets = frame(Opcode::text, "one ", false) + frame(Opcode::ping, "still?") +
                        frame(Opcode::continuation, "", false) +
                        frame(Opcode::continuation, "message") +
                        frame(Opcode::binary, std::string(70'000, 'x')) +
                        frame(Opcode::text, std::string(200, 'y')) + frame(Opcode::text, "");
    for (const std::size_t piece : {1U, 2U, 7U, 1000U, 100'000U}) {
        Reader reader(70'000);
        std::vector<Received> all;
        for (std::size_t at = 0; at < octets.size(); at += piece) {
            reader.append(std::string_view(octets).substr(at, piece));
            for (auto& one : all_of(reader)) all.push_back(std::move(one));
        }
        EXPECT_FALSE(reader.fault());
        ASSERT_EQ(all.size(), 5U);
        EXPECT_EQ(all[0].opcode, Opcode::ping) << "control frames come between";
        EXPECT_EQ(all[0].payload, "still?");
        EXPECT_EQ(all[1].payload, "one message");
        EXPECT_EQ(all[2].opcode, Opcode::binary);
        EXPECT_EQ(all[2].payload, std::string(70'000, 'x'));
        EXPECT_EQ(all[3].payload, std::string(200, 'y'));
        EXPECT_EQ(all[4].payload, "");
    }
}

TEST(WebSocketReader, RefusesWhatNoClientMaySend) {
    using enum CloseCode;
    EXPECT_EQ(fault_of("\x81\x05Hello"), protocol_error) << "not masked";
    EXPECT_EQ(fault_of("\xc1\x80"s + "mask"), protocol_error) << "a reserved bit";
    EXPECT_EQ(fault_of("\x83\x80"s + "mask"), protocol_error) << "an unknown opcode";
    EXPECT_EQ(fault_of("\x8b\x80"s + "mask"), protocol_error) << "an unknown control";
    EXPECT_EQ(fault_of(frame(Opcode::continuation, "x")), protocol_error) << "of nothing";
    EXPECT_EQ(fault_of(frame(Opcode::text, "a", false) + frame(Opcode::text, "b")), protocol_error);
    EXPECT_EQ(fault_of(frame(Opcode::ping, "x", false)), protocol_error) << "in pieces";
    EXPECT_EQ(fault_of(frame(Opcode::ping, std::string(126, 'x'))), protocol_error) << "too long";
    EXPECT_EQ(fault_of("\x81\xfe\x00\x7d"s), protocol_error) << "a longer form than needed";
    EXPECT_EQ(fault_of("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff"s, 100'000), protocol_error);
    EXPECT_EQ(fault_of(frame(Opcode::close, "\x03")), protocol_error) << "half a code";
    for (const auto* code :
         {"\x03\xe7", "\x03\xec", "\x03\xed", "\x03\xee", "\x07\xd0", "\x13\x88"})
        EXPECT_EQ(fault_of(frame(Opcode::close, code)), protocol_error) << code;
}

TEST(WebSocketReader, BoundsMessagesBeforeTheyCome) {
    EXPECT_EQ(fault_of("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s), CloseCode::too_big);
    EXPECT_EQ(fault_of("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"s), CloseCode::too_big);
    EXPECT_EQ(fault_of(frame(Opcode::text, std::string(600, 'x'), false) +
                       frame(Opcode::continuation, std::string(401, 'x'))),
              CloseCode::too_big);
    Reader reader(1000);
    reader.append(frame(Opcode::text, std::string(600, 'x'), false) +
                  frame(Opcode::continuation, std::string(400, 'x')));
    EXPECT_EQ(all_of(reader).at(0).payload.size(), 1000U);
}

TEST(WebSocketReader, SaysWhyTheClientCloses) {
    Reader reader(1000);
    reader.append(frame(Opcode::close, "\x03\xe9 away"s) + frame(Opcode::close, ""));
    const auto all = all_of(reader);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].code, CloseCode::going_away);
    EXPECT_EQ(all[0].payload, " away");
    EXPECT_EQ(all[1].code, CloseCode::no_status);
}

TEST(WebSocketFrames, AreWrittenInTheShortestForm) {
    std::string out;
    append_frame(out, Opcode::text, "Hello");
    EXPECT_EQ(out, "\x81\x05Hello");
    out.clear();
    append_frame(out, Opcode::binary, std::string(256, 'x'));
    EXPECT_EQ(out.substr(0, 4), "\x82\x7e\x01\x00"s);
    out.clear();
    append_frame(out, Opcode::binary, std::string(65'536, 'x'));
    EXPECT_EQ(out.substr(0, 10), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
    out.clear();
    append_close(out, CloseCode::policy_violation, "over");
    EXPECT_EQ(out, "\x88\x06\x03\xf0over");
    out.clear();
    append_close(out, CloseCode::no_status);
    EXPECT_EQ(out, "\x88\x00"s);
}

}  // namespace
}  // namespace gh::http::websocket
