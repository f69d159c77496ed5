#include "audit/exporter.hpp"

#include <algorithm>
#include <utility>

#include "audit/checkpoints.hpp"
#include "audit/export_lines.hpp"
#include "audit/nodes.hpp"
#include "base/try.hpp"

namespace gh::audit {
namespace {

using storage::Session;

// Pages, by how many nodes their proofs want: some thousands at most.
constexpr std::size_t checkpoints_page = 32;
constexpr std::size_t records_page = 128;

/// The nodes of all plans, asked for at once, folded into one proof each.
Task<Result<std::vector<Proof>>> prove_all(Session& session, std::vector<ProofPlan> plans) {
    std::vector<NodeId> wanted;
    for (const auto& plan : plans)
        wanted.insert(wanted.end(), plan.nodes().begin(), plan.nodes().end());
    GH_CO_TRY(const auto nodes, co_await find_nodes(session, std::move(wanted)));
    std::vector<Proof> proofs;
    for (const auto& plan : plans) {
        GH_CO_TRY(auto proof, fold_proof(plan, nodes));
        proofs.push_back(std::move(proof));
    }
    co_return proofs;
}

struct ProvenNote {
    KeptNote kept;
    Proof consistency;
};

Task<Result<std::vector<ProvenNote>>> checkpoints_within(Session& session,
                                                         std::optional<std::uint64_t> above) {
    GH_CO_TRY(auto notes, co_await list_checkpoints(session, above, checkpoints_page));
    std::vector<ProofPlan> plans;
    for (auto before = above.value_or(0); const auto& note : notes) {
        GH_CO_TRY(auto plan, plan_consistency(before, note.size));
        plans.push_back(std::move(plan));
        before = note.size;
    }
    GH_CO_TRY(auto proofs, co_await prove_all(session, std::move(plans)));
    std::vector<ProvenNote> proven;
    for (std::size_t i = 0; i < notes.size(); ++i)
        proven.push_back({std::move(notes[i]), std::move(proofs[i])});
    co_return proven;
}

Task<Result<std::vector<Proof>>> inclusions_within(Session& session,
                                                   std::vector<std::uint64_t> indices,
                                                   std::uint64_t size) {
    std::vector<ProofPlan> plans;
    for (const auto index : indices) {
        GH_CO_TRY(auto plan, plan_inclusion(index, size));
        plans.push_back(std::move(plan));
    }
    co_return co_await prove_all(session, std::move(plans));
}

/// Up to and with the one over `last` records: later ones belong to the next export.
Task<Result<std::uint64_t>> write_checkpoints(storage::Database& database, std::uint64_t last,
                                              LineSink& sink) {
    std::uint64_t written = 0;
    for (std::optional<std::uint64_t> above; above != last;) {
        auto page = [above](Session& session) { return checkpoints_within(session, above); };
        GH_CO_TRY(const auto some, co_await database.read(page));
        if (some.empty())
            co_return fail(ErrorKind::corrupt, "audit.checkpoint",
                           "a checkpoint of the audit log went while it was exported");
        for (const auto& each : some) {
            if (above == last) break;
            GH_CO_TRY_VOID(sink(export_checkpoint(each.kept.note, each.consistency)));
            above = each.kept.size;
            ++written;
        }
    }
    co_return written;
}

Task<Result<std::uint64_t>> write_records(storage::Database& database, std::uint64_t size,
                                          Filter filter, LineSink& sink) {
    Reader reader(database);
    std::uint64_t written = 0;
    GH_CO_TRY(auto span, co_await reader.span(filter));
    span.end = std::min(span.end, size);
    for (;;) {
        GH_CO_TRY(const auto entries, co_await reader.oldest(span, filter, records_page));
        std::vector<std::uint64_t> indices;
        for (const auto& entry : entries) indices.push_back(entry.index);
        auto page = [&indices, size](Session& session) {
            return inclusions_within(session, indices, size);
        };
        GH_CO_TRY(const auto proofs, co_await database.read(page));
        for (std::size_t i = 0; i < entries.size(); ++i)
            GH_CO_TRY_VOID(sink(export_record(entries[i].index, proofs[i], entries[i].record)));
        written += entries.size();
        if (entries.size() < records_page) co_return written;
        span.begin = entries.back().index + 1;
    }
}

}  // namespace

Task<Result<Exported>> export_log(storage::Database& database, NoteVerifier log, Filter filter,
                                  LineSink sink) {
    auto look = [](Session& session) { return newest_checkpoint(session); };
    GH_CO_TRY(const auto newest, co_await database.read(look));
    if (!newest)
        co_return fail(ErrorKind::not_found, "audit.no_checkpoint",
                       "the audit log has no checkpoint yet: there is nothing to prove");
    GH_CO_TRY(const auto last, open_checkpoint(newest->note, log));
    GH_CO_TRY_VOID(sink(export_head(log)));
    Exported done{.size = last.size};
    GH_CO_TRY(done.checkpoints, co_await write_checkpoints(database, last.size, sink));
    GH_CO_TRY(done.records, co_await write_records(database, last.size, std::move(filter), sink));
    co_return done;
}

}  // namespace gh::audit
