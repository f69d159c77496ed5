#include "audit/export_lines.hpp"

#include <gtest/gtest.h>

#include "audit/record.hpp"

namespace gh::audit {
namespace {

std::string without_newline(std::string line) {
    EXPECT_EQ(line.back(), '\n');
    line.pop_back();
    return line;
}

const Proof two{leaf_hash("a"), leaf_hash("b")};
const std::string record_line = encode_record({.id = "one", .action = ",\"record\":{\"index\":1}"});

TEST(ExportLine, ReadsWhatIsWritten) {
    const auto signer =
        NoteSigner::of("gatehouse/audit", crypto::PrivateKey::generate(crypto::KeyKind::ed25519))
            .value();
    const auto head = parse_export_line(without_newline(export_head(signer.verifier()))).value();
    EXPECT_EQ(std::get<ExportedHead>(head).origin, "gatehouse/audit");
    EXPECT_EQ(std::get<ExportedHead>(head).verifier_key, signer.verifier().text());
    const auto checkpoint =
        parse_export_line(without_newline(export_checkpoint("a\nnote\n", two))).value();
    EXPECT_EQ(std::get<ExportedCheckpoint>(checkpoint).note, "a\nnote\n");
    EXPECT_EQ(std::get<ExportedCheckpoint>(checkpoint).consistency, two);
    for (const auto& proof : {Proof{}, two}) {
        const auto line =
            parse_export_line(without_newline(export_record(7, proof, record_line))).value();
        const auto& record = std::get<ExportedRecord>(line);
        EXPECT_EQ(record.index, 7U);
        EXPECT_EQ(record.inclusion, proof);
        EXPECT_EQ(record.record, record_line);
    }
}

TEST(ExportLine, RefusesEveryOtherSpelling) {
    const auto good = without_newline(export_record(7, two, record_line));
    const std::string cases[] = {
        "",
        "{}",
        "[]",
        good + "\n",
        " " + good,
        good.substr(0, good.size() - 2) + "]",
        "{\"index\":07" + good.substr(10),
        "{\"index\":-1" + good.substr(10),
        "{\"index\":9223372036854775808" + good.substr(10),
        "{\"index\": 7" + good.substr(10),
        "{\"index\":7,\"inclusion\":[\"AA==\"],\"record\":{}}",
        "{\"index\":7,\"inclusion\":[1],\"record\":{}}",
        "{\"index\":7,\"inclusion\":null,\"record\":{}}",
        "{\"index\":7,\"record\":{}}",
        "{\"checkpoint\":\"a\"}",
        "{\"checkpoint\":\"a\",\"consistency\":[], \"x\":1}",
        "{\"consistency\":[],\"checkpoint\":\"a\"}",
        "{\"gatehouse_audit_export\":2,\"origin\":\"a\",\"verifier_key\":\"b\"}",
        "{\"gatehouse_audit_export\":1,\"origin\":\"a\"}",
    };
    for (const auto& line : cases) {
        SCOPED_TRACE(line);
        const auto read = parse_export_line(line);
        if (read) {
            ADD_FAILURE() << "taken";
        } else {
            EXPECT_EQ(read.error().reason, "audit.export_malformed");
        }
    }
    const Proof many(proof_hashes_max + 1);
    EXPECT_FALSE(parse_export_line(without_newline(export_record(7, many, "{}"))));
    EXPECT_FALSE(parse_export_line(
        without_newline(export_checkpoint(std::string(export_line_bytes_max, 'x'), {}))));
}

}  // namespace
}  // namespace gh::audit
