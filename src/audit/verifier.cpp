#include "audit/verifier.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "audit/checkpoints.hpp"
#include "audit/nodes.hpp"
#include "audit/record.hpp"
#include "base/try.hpp"
#include "storage/value.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::audit {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::size_t page_records = 512;
constexpr std::size_t page_checkpoints = 256;

constexpr Statement select_records{
    .name = "audit.all_records",
    .sql =
        "SELECT leaf_index, id, at, severity, actor, action, object_type, object_id, record "
        "FROM audit_records WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index"};
// Of one moment: rows beyond the head would be nobody's.
constexpr Statement select_head{
    .name = "audit.verify_head",
    .sql =
        "SELECT h.size, h.edge, (SELECT max(leaf_index) FROM audit_records), "
        "(SELECT count(*) FROM audit_tree), (SELECT max(size) FROM audit_checkpoints) "
        "FROM audit_head AS h WHERE h.one = 1"};

std::string number(std::uint64_t n) { return std::to_string(n); }

/// The head of the log, and what must fit it.
struct Head {
    std::uint64_t size = 0;
    std::string edge;
    std::optional<std::uint64_t> last_record;
    std::uint64_t nodes = 0;
    std::optional<std::uint64_t> last_checkpoint;
};

Task<Result<std::optional<Head>>> read_head(Session& session) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_head));
    if (!row || (*row).integer(0) < 0) co_return std::nullopt;
    const auto maybe = [&row](std::size_t column) -> std::optional<std::uint64_t> {
        if ((*row).is_null(column)) return std::nullopt;
        return static_cast<std::uint64_t>((*row).integer(column));
    };
    Head head;
    head.size = static_cast<std::uint64_t>((*row).integer(0));
    head.edge = (*row).octets(1);
    head.last_record = maybe(2);
    head.nodes = maybe(3).value_or(0);
    head.last_checkpoint = maybe(4);
    co_return head;
}

/// One page: the records, and the nodes that are complete with them.
struct Page {
    storage::Rows records;
    Nodes nodes;
};

Task<Result<Page>> read_page(Session& session, std::uint64_t begin, std::uint64_t end) {
    Page page;
    GH_CO_TRY(page.records, co_await session.query(select_records, begin, end));
    std::vector<NodeId> wanted;
    for (auto leaf = begin; leaf < end; ++leaf) {
        const auto completed = std::countr_one(leaf);
        for (int level = 0; level <= completed; ++level)
            wanted.push_back({.level = static_cast<std::uint8_t>(level), .index = leaf >> level});
    }
    GH_CO_TRY(page.nodes, co_await find_nodes(session, std::move(wanted)));
    co_return page;
}

/// Do the columns that are searched tell what the record tells?
bool columns_fit(const storage::Row& row, const Record& record) {
    // A record has milliseconds, its column what it was made of.
    const auto time = telemetry::timestamp(row.time(2)) == telemetry::timestamp(record.time);
    return row.text(1) == record.id && time &&
           row.integer(3) == static_cast<std::int64_t>(record.severity) &&
           row.text(4) == record.actor && row.text(5) == record.action &&
           row.text(6) == record.object_type && row.text(7) == record.object_id;
}

class Walk {
 public:
    Walk(storage::Database& database, NoteVerifier log, Evidence evidence)
        : database_(database), log_(std::move(log)), evidence_(std::move(evidence)) {}

    Task<Result<Verdict>> go() {
        auto look = [](Session& session) { return read_head(session); };
        GH_CO_TRY(const auto head, co_await database_.read(look));
        if (!head) {
            find("the head of the log is missing");
            co_return std::move(verdict_);
        }
        GH_CO_TRY_VOID(co_await begin());
        GH_CO_TRY_VOID(judge_checkpoints());  // over no record at all
        for (std::uint64_t at = 0; at < head->size;) {
            const auto end = std::min(at + page_records, head->size);
            auto work = [at, end](Session& session) { return read_page(session, at, end); };
            GH_CO_TRY(const auto page, co_await database_.read(work));
            GH_CO_TRY_VOID(co_await judge_page(page, at, end));
            at = end;
        }
        verdict_.records = head->size;
        judge_head(*head);
        GH_CO_TRY_VOID(judge_rest(*head));
        co_return std::move(verdict_);
    }

 private:
    void find(std::string sentence) {
        if (++verdict_.found <= Verdict::findings_max)
            verdict_.findings.push_back(std::move(sentence));
    }

    Task<Result<void>> begin() {
        GH_CO_TRY_VOID(co_await more_checkpoints());
        GH_CO_TRY(old_checkpoint_, evidence_.checkpoint());
        GH_CO_TRY(old_record_, evidence_.record());
        co_return Result<void>{};
    }

    Task<Result<void>> judge_page(const Page& page, std::uint64_t begin, std::uint64_t end) {
        std::size_t row = 0;
        for (auto leaf = begin; leaf < end; ++leaf) {
            std::optional<storage::Row> record;
            if (row < page.records.size() &&
                page.records[row].integer(0) == static_cast<std::int64_t>(leaf))
                record = page.records[row++];
            GH_CO_TRY_VOID(judge_leaf(leaf, record, page.nodes));
            if (notes_.empty() && more_notes_) GH_CO_TRY_VOID(co_await more_checkpoints());
            GH_CO_TRY_VOID(judge_checkpoints());
        }
        co_return Result<void>{};
    }

    /// The tree goes on with the hash that is kept, so that one changed record is one finding.
    Result<void> judge_leaf(std::uint64_t leaf, const std::optional<storage::Row>& row,
                            const Nodes& nodes) {
        const auto kept = nodes.find({.level = 0, .index = leaf});
        auto hash = kept == nodes.end() ? Hash{} : kept->second;
        if (!row) {
            find("record " + number(leaf) + " is missing");
        } else {
            const auto counted = leaf_hash(row->text(8));
            if (kept == nodes.end()) {
                hash = counted;
            } else if (counted != hash) {
                find("record " + number(leaf) + " is not the one that was recorded");
            }
            judge_record(leaf, *row);
        }
        GH_TRY_VOID(judge_old_record(leaf, row));
        std::vector<Node> completed;
        GH_TRY_VOID(tree_.append(hash, completed));
        for (const auto& node : completed) {
            const auto found = nodes.find(node.id);
            const auto name = "node " + number(node.id.index) + " of level " +
                              number(node.id.level) + " of the tree ";
            if (found == nodes.end()) {
                find(name + "is missing");
            } else if (found->second != node.hash) {
                find(name + "does not fit the records below it");
            }
        }
        return {};
    }

    void judge_record(std::uint64_t leaf, const storage::Row& row) {
        const auto record = parse_record(row.text(8));
        if (!record) {
            find("record " + number(leaf) + " is not written as records are");
        } else if (!columns_fit(row, *record)) {
            find("record " + number(leaf) + " is listed as another than it is");
        }
    }

    Result<void> judge_old_record(std::uint64_t leaf, const std::optional<storage::Row>& row) {
        if (!old_record_ || old_record_->index != leaf) return {};
        if (row && row->text(8) == old_record_->record) {
            ++verdict_.records_before;
        } else {
            find("record " + number(leaf) + " is not the one that was exported");
        }
        GH_TRY(auto next, evidence_.record());
        if (next && next->index <= leaf)
            return fail(ErrorKind::invalid_argument, "audit.export_malformed",
                        "the records of the export are not in order");
        old_record_ = std::move(next);
        return {};
    }

    // --- checkpoints: judged when the tree has their size ---

    Task<Result<void>> more_checkpoints() {
        const auto above = last_note_;
        auto page = [above](Session& session) {
            return list_checkpoints(session, above, page_checkpoints);
        };
        GH_CO_TRY(auto some, co_await database_.read(page));
        std::ranges::reverse(some);
        more_notes_ = some.size() == page_checkpoints;
        if (!some.empty()) last_note_ = some.front().size;
        notes_ = std::move(some);
        co_return Result<void>{};
    }

    Result<void> judge_checkpoints() {
        while (!notes_.empty() && notes_.back().size <= tree_.size()) {
            judge_note(notes_.back());
            notes_.pop_back();
        }
        while (old_checkpoint_ && old_checkpoint_->size <= tree_.size()) {
            if (old_checkpoint_->root == tree_.root()) {
                ++verdict_.checkpoints_before;
            } else {
                find("the log is not the one of the checkpoint of " +
                     number(old_checkpoint_->size) + " records that was kept");
            }
            GH_TRY(auto next, evidence_.checkpoint());
            if (next && next->size < old_checkpoint_->size)
                return fail(ErrorKind::invalid_argument, "audit.export_malformed",
                            "the checkpoints of the export are not in order");
            old_checkpoint_ = std::move(next);
        }
        return {};
    }

    void judge_note(const KeptNote& note) {
        const auto name = "the checkpoint of " + number(note.size) + " records ";
        const auto opened = open_checkpoint(note.note, log_);
        if (!opened) {
            find(name + "is not signed by " + log_.text());
        } else if (opened->size != note.size) {
            find(name + "speaks of " + number(opened->size));
        } else if (opened->root != tree_.root()) {
            find(name + "does not fit the records");
        } else {
            ++verdict_.checkpoints;
        }
    }

    // --- the end ---

    void judge_head(const Head& head) {
        std::string edge;
        for (const auto& hash : tree_.hashes()) edge += crypto::text_of(hash);
        if (edge != head.edge) find("the head of the log does not fit the records");
        if (head.last_record && *head.last_record >= head.size)
            find("there are records beyond the head of the log, up to " +
                 number(*head.last_record));
        const auto wanted = node_count(head.size);
        if (head.nodes != wanted)
            find("the tree has " + number(head.nodes) + " nodes, not " + number(wanted));
        if (head.last_checkpoint && *head.last_checkpoint > head.size)
            find("there is a checkpoint of " + number(*head.last_checkpoint) +
                 " records, and the log has " + number(head.size));
    }

    /// Evidence of more than there is.
    Result<void> judge_rest(const Head& head) {
        if (old_checkpoint_)
            find("a checkpoint of " + number(old_checkpoint_->size) +
                 " records was kept, and the log has " + number(head.size));
        if (old_record_)
            find("record " + number(old_record_->index) + " was exported, and the log has " +
                 number(head.size));
        return {};
    }

    storage::Database& database_;
    const NoteVerifier log_;
    Evidence evidence_;
    Verdict verdict_;
    CompactRange tree_;
    std::vector<KeptNote> notes_;  // the largest first
    std::optional<std::uint64_t> last_note_;
    bool more_notes_ = true;
    std::optional<Checkpoint> old_checkpoint_;
    std::optional<ExportedRecord> old_record_;
};

}  // namespace

Task<Result<Verdict>> verify_log(storage::Database& database, NoteVerifier log, Evidence evidence) {
    Walk walk(database, std::move(log), std::move(evidence));
    co_return co_await walk.go();
}

}  // namespace gh::audit
