#include "app/checkpoint_keeper.hpp"

#include <fmt/format.h>

#include <utility>

#include "app/machine.hpp"
#include "base/file.hpp"
#include "base/try.hpp"

namespace gh::app {
namespace {

constexpr std::string_view file_name = "checkpoint";

/// The text of the file; empty without one.
Result<std::string> read_text(const std::filesystem::path& file) {
    std::error_code unknown;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, unknown))) return "";
    return read_file_at(file, audit::note_bytes_max);
}

}  // namespace

Result<CheckpointKeeper> CheckpointKeeper::open(const std::filesystem::path& data_dir,
                                                std::string origin, crypto::KeyStore& keys,
                                                storage::Database& database) {
    GH_TRY(auto signer, audit::open_log_key(keys, std::move(origin)));
    auto folder = data_dir / "audit";
    GH_TRY_VOID(make_directory(folder));
    return CheckpointKeeper(std::move(folder), std::move(signer), database);
}

Result<std::optional<audit::Checkpoint>> CheckpointKeeper::kept() const {
    const auto file = folder_ / file_name;
    GH_TRY(const auto text, read_text(file));
    if (text.empty()) return std::nullopt;
    auto opened = audit::open_checkpoint(text, verifier());
    if (opened) return *std::move(opened);
    return fail(ErrorKind::conflict, "audit.checkpoint_file",
                fmt::format("{} is no checkpoint that {} has signed. If key or audit.origin were "
                            "changed on purpose, move the file away and keep it",
                            file.native(), verifier().text()));
}

Task<Result<audit::CheckpointSigner::State>> CheckpointKeeper::sign(SystemTime now) {
    GH_CO_TRY(auto known, kept());
    const auto before = known ? known->size : 0;
    audit::CheckpointSigner signer(*database_, signer_, std::move(known));
    GH_CO_TRY(auto state, co_await signer.sign(now));
    if (state.newest && state.newest->checkpoint.size > before) {
        GH_CO_TRY(const auto folder, open_directory(folder_));
        GH_CO_TRY_VOID(replace_file(folder, file_name, state.newest->note, 0600));
    }
    co_return state;
}

}  // namespace gh::app
