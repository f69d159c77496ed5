// Writes an export of a log of N records to standard output, with a checkpoint after every STEP of them: what
// docs/formats/audit-log.md describes. The key is known to everybody, so that two runs write the same bytes. The log begins
// with record FIRST, 0 unless said: another one makes another history under the same key.
//
//   write_audit_export N STEP [FIRST]

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/export_lines.hpp"
#include "audit/proof.hpp"
#include "audit/record.hpp"

namespace {

using namespace gh;
using namespace gh::audit;

constexpr SystemTime begin{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z

Record record_of(std::uint64_t index) {
    constexpr Severity severities[] = {Severity::info, Severity::low, Severity::medium,
                                       Severity::high, Severity::critical};
    auto serial = std::to_string(index);
    serial.insert(0, 12 - std::min<std::size_t>(serial.size(), 12), '0');
    Record record{
        .id = "019b7600-0000-7000-8000-" + serial,
        .time = begin + std::chrono::milliseconds(1500 * index),
        .severity = severities[index % 5],
        .actor_type = static_cast<access::PrincipalType>((index + 1) % 7),
        .actor = "alice",
        .act = {},
        .action = "agent.quarantine",
        .object_type = "agent",
        .object_id = "build-" + std::to_string(index),
        .outcome = static_cast<Outcome>(index % 3),
        .request_id = "req-" + std::to_string(index),
        .correlation_id = "corr-1",
        .client = codec::IpAddress::parse("192.0.2.7").value(),
        .details = {{"reason", "three logins from new places"}, {"attempts", std::int64_t{3}}},
    };
    if (index % 4 == 1) record.act = {"planner", "frontend"};
    // Now and then what strangers send: bytes that are no text, what readers trip over, and more than fits.
    if (index % 4 == 2) record.actor = std::string("\xff\x01\x7f\n\0\xc2\x9b", 7);
    if (index % 4 == 3) record.object_id = "h\xc3\xa9llo \"\\ <&> \xe2\x80\xa8 \xf0\x9f\x98\x80";
    if (index % 8 == 7) record.details.push_back({"long", std::string(2000, '\x1b')});
    if (index % 16 == 5) record = {};
    return record;
}

/// The log as a database would keep it: lines, nodes, checkpoints.
struct Log {
    CompactRange tree;
    std::vector<std::string> records;
    std::map<NodeId, Hash> nodes;
    std::vector<std::uint64_t> sizes;
    std::vector<std::string> checkpoints;

    void append(const Record& record) {
        records.push_back(encode_record(record));
        std::vector<Node> completed;
        tree.append(leaf_hash(records.back()), completed).value();
        for (const auto& node : completed) nodes.emplace(node.id, node.hash);
    }
    void sign(const NoteSigner& signer) {
        sizes.push_back(tree.size());
        checkpoints.push_back(
            sign_checkpoint({.origin = std::string(signer.verifier().name()),
                             .size = tree.size(),
                             .root = tree.root(),
                             .time = begin + std::chrono::milliseconds(1500 * tree.size()),
                             .extensions = {}},
                            signer)
                .value());
    }
    [[nodiscard]] Proof prove(const ProofPlan& plan) const {
        std::vector<Hash> hashes;
        for (const auto& id : plan.nodes()) hashes.push_back(nodes.at(id));
        return plan.fold(hashes).value();
    }
};

void print(std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); }

bool read_number(const char* text, std::uint64_t& number) {
    const std::string_view all(text);
    const auto [end, error] = std::from_chars(all.begin(), all.end(), number);
    return error == std::errc{} && end == all.end();
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t size = 0, step = 0, first = 0;
    if (argc < 3 || argc > 4 || !read_number(argv[1], size) || !read_number(argv[2], step) ||
        step == 0 || (argc == 4 && !read_number(argv[3], first))) {
        std::fputs("usage: write_audit_export RECORDS RECORDS_PER_CHECKPOINT [FIRST]\n", stderr);
        return 2;
    }
    const std::vector<std::uint8_t> seed(32, 7);
    const auto signer =
        NoteSigner::of("gatehouse.example.com/audit",
                       crypto::PrivateKey::from_ed25519(crypto::Secret(seed)).value())
            .value();
    Log log;
    log.sign(signer);
    for (std::uint64_t i = 0; i < size; ++i) {
        log.append(record_of(first + i));
        if (log.tree.size() % step == 0 || log.tree.size() == size) log.sign(signer);
    }

    print(export_head(signer.verifier()));
    for (std::size_t i = 0; i < log.sizes.size(); ++i) {
        const auto before = i == 0 ? log.sizes[0] : log.sizes[i - 1];
        const auto plan = plan_consistency(before, log.sizes[i]).value();
        print(export_checkpoint(log.checkpoints[i], log.prove(plan)));
    }
    for (std::uint64_t i = 0; i < size; ++i) {
        print(export_record(i, log.prove(plan_inclusion(i, size).value()), log.records[i]));
    }
    return 0;
}
