#include "audit/checkpoints.hpp"

#include <utility>

#include "audit/nodes.hpp"
#include "audit/sequence.hpp"
#include "base/try.hpp"

namespace gh::audit {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement select_newest{
    .name = "audit.newest_checkpoint",
    .sql = "SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1"};
constexpr Statement select_some{
    .name = "audit.checkpoints",
    .sql = "SELECT size, note FROM audit_checkpoints WHERE size > $1 ORDER BY size LIMIT $2"};
constexpr Statement insert_checkpoint{
    .name = "audit.add_checkpoint",
    .sql = "INSERT INTO audit_checkpoints (size, at, note) VALUES ($1, $2, $3)"};

constexpr std::string_view key_name = "audit-log-key";

/// Does the log go on from there?
Task<Result<void>> continues(Session& session, Checkpoint from, CompactRange tree) {
    const auto what = "a checkpoint of " + std::to_string(from.size) + " records";
    if (from.size > tree.size())
        co_return fail(ErrorKind::corrupt, "audit.rolled_back",
                       "the audit log has " + std::to_string(tree.size()) +
                           " records and there is " + what +
                           ". If an older backup was restored on purpose, move the file "
                           "audit/checkpoint out of the data directory and keep it");
    GH_CO_TRY(auto plan, plan_consistency(from.size, tree.size()));
    GH_CO_TRY(const auto proof, co_await prove(session, std::move(plan)));
    if (!verify_consistency(from.size, tree.size(), from.root, tree.root(), proof))
        co_return fail(ErrorKind::corrupt, "audit.rewritten",
                       "the audit log is not the one that " + what +
                           " speaks of; gatehouse audit verify says where they differ");
    co_return Result<void>{};
}

std::unexpected<Error> other_key(const NoteVerifier& own) {
    return fail(ErrorKind::conflict, "audit.other_key",
                "the last checkpoint of the audit log was not signed by " + own.text() +
                    ". Several nodes sign with one key under one origin: copy keys/audit-log-key "
                    "and audit.origin from the node that made the log");
}

}  // namespace

Result<NoteSigner> open_log_key(crypto::KeyStore& keys, std::string origin) {
    auto stored = keys.load(key_name);
    if (!stored && stored.error().kind != ErrorKind::not_found)
        return std::unexpected(std::move(stored).error());
    if (!stored) {
        auto made = crypto::PrivateKey::generate(crypto::KeyKind::ed25519);
        GH_TRY_VOID(keys.store(key_name, made.secret_pem()));
        return NoteSigner::of(std::move(origin), std::move(made));
    }
    auto key = crypto::PrivateKey::from_pem(crypto::text_of(stored->bytes()));
    if (!key)
        return fail(
            ErrorKind::corrupt, "audit.key",
            "keys/audit-log-key in the data directory is damaged; restore it from a backup");
    return NoteSigner::of(std::move(origin), *std::move(key));
}

Task<Result<std::optional<SignedCheckpoint>>> newest_checkpoint(Session& session) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_newest));
    if (!row) co_return std::nullopt;
    auto note = (*row).text(0);
    const auto parsed = parse_note(note);
    auto checkpoint = parsed ? parse_checkpoint(parsed->text) : std::unexpected(parsed.error());
    if (!checkpoint)
        co_return fail(ErrorKind::corrupt, "audit.checkpoint",
                       "the last checkpoint of the audit log is none; gatehouse audit verify says "
                       "what else is wrong");
    co_return SignedCheckpoint{*std::move(checkpoint), std::move(note)};
}

Task<Result<std::vector<KeptNote>>> list_checkpoints(Session& session,
                                                     std::optional<std::uint64_t> above,
                                                     std::size_t limit) {
    const auto from = above ? static_cast<std::int64_t>(*above) : -1;
    GH_CO_TRY(const auto rows, co_await session.query(select_some, from, limit));
    std::vector<KeptNote> notes;
    for (std::size_t i = 0; i < rows.size(); ++i)
        notes.push_back({static_cast<std::uint64_t>(rows[i].integer(0)), rows[i].text(1)});
    co_return notes;
}

Task<Result<CheckpointSigner::State>> CheckpointSigner::sign_within(Session& session,
                                                                    NoteSigner signer,
                                                                    std::optional<Checkpoint> known,
                                                                    SystemTime now) {
    const auto& own = signer.verifier();
    GH_CO_TRY(auto tree, co_await load_tree(session));
    if (known) GH_CO_TRY_VOID(co_await continues(session, *known, tree));
    GH_CO_TRY(auto newest, co_await newest_checkpoint(session));
    State state{.records = tree.size(), .newest = std::move(newest)};
    if (state.newest) {
        if (!open_checkpoint(state.newest->note, own)) co_return other_key(own);
        GH_CO_TRY_VOID(co_await continues(session, state.newest->checkpoint, tree));
        if (state.newest->checkpoint.size == tree.size()) co_return state;
    }
    if (tree.size() == 0) co_return state;
    Checkpoint next{.origin = std::string(own.name()),
                    .size = tree.size(),
                    .root = tree.root(),
                    .time = now,
                    .extensions = {}};
    GH_CO_TRY(auto note, sign_checkpoint(next, signer));
    GH_CO_TRY_VOID(co_await session.execute(insert_checkpoint, next.size, now, note));
    state.newest = SignedCheckpoint{std::move(next), std::move(note)};
    co_return state;
}

Task<Result<CheckpointSigner::State>> CheckpointSigner::sign(SystemTime now) {
    auto work = [signer = signer_, known = known_, now](Session& session) {
        return sign_within(session, signer, known, now);
    };
    GH_CO_TRY(auto state, co_await database_.write(std::move(work)));
    if (state.newest) known_ = state.newest->checkpoint;
    co_return state;
}

}  // namespace gh::audit
