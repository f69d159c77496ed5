#include "app/ca_state.hpp"

#include <chrono>
#include <utility>

#include "app/machine.hpp"
#include "app/pki_house.hpp"
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

}  // namespace

Result<CaState> open_ca(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(auto verb, open_verb_state(overrides, surroundings));
    const auto& settings = verb->settings;
    GH_TRY(auto ca,
           pki::InternalCa::open(*verb->keys, settings.data_dir, std::chrono::system_clock::now(),
                                 published_at(settings)));
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

Result<void> write_new_file(const std::filesystem::path& file, std::string_view content,
                            mode_t mode) {
    const auto whole = std::filesystem::absolute(file);
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(whole, ignored))) {
        return fail(ErrorKind::conflict, "file.exists",
                    whole.string() + " is there already; name another file");
    }
    GH_TRY(const auto folder, open_directory(whole.parent_path()));
    return replace_file(folder, whole.filename().native(), content, mode);
}

}  // namespace gh::app
