#include "app/ca_state.hpp"

#include <chrono>
#include <utility>

#include "app/machine.hpp"
#include "audit/act.hpp"
#include "audit/log.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "pki/issue.hpp"

namespace gh::app {
namespace {

Task<Result<void>> append(storage::Session& session, audit::Record record) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    co_return co_await audit::Log::append(session, std::move(record));
}

std::unexpected<Error> already_there(const std::filesystem::path& file) {
    return fail(ErrorKind::conflict, "file.exists",
                file.string() + " is there already; name another file, or say --replace");
}

}  // namespace

Result<CaState> open_ca(const Overrides& overrides, const Surroundings& surroundings,
                        const pki::Authority* root) {
    GH_TRY(auto verb, open_verb_state(overrides, surroundings));
    const auto& settings = verb->settings;
    GH_TRY(auto ca,
           pki::InternalCa::open(*verb->keys, settings.data_dir, std::chrono::system_clock::now(),
                                 settings.pki.url, root));
    return CaState{std::move(verb), std::make_unique<pki::InternalCa>(std::move(ca))};
}

Result<void> record_issued(CaState& state, const pki::IssuedCertificate& issued) {
    auto record = audit::act_of_shell("certificate.issue", "certificate");
    auto holder = record.actor;
    auto also = audit::also<pki::StoredCertificate>(std::move(record), pki::tell_certificate);
    GH_TRY_VOID(net::run_to_end(state.verb->state->certificates.add(
        issued, std::move(holder), std::chrono::system_clock::now(), std::move(also))));
    return {};
}

Result<void> record_act(CaState& state, audit::Record record) {
    auto work = [record = std::move(record)](storage::Session& session) {
        return append(session, record);
    };
    return net::run_to_end(state.verb->state->database->write(std::move(work)));
}

Result<void> check_target(const std::filesystem::path& file, Existing existing) {
    std::error_code ignored;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
    if (there && existing == Existing::keep) return already_there(file);
    return {};
}

Result<void> write_file(const std::filesystem::path& file, std::string_view content, mode_t mode,
                        Existing existing) {
    const auto whole = std::filesystem::absolute(file);
    GH_TRY(const auto folder, open_directory(whole.parent_path()));
    const auto name = whole.filename().native();
    if (existing == Existing::replace) return replace_file(folder, name, content, mode);
    auto made = create_file(folder, name, content, mode);
    if (!made && made.error().kind == ErrorKind::conflict) return already_there(file);
    return made;
}

}  // namespace gh::app
