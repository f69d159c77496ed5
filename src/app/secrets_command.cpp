#include "app/secrets_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "app/backend_verbs.hpp"
#include "app/secret_acts.hpp"
#include "app/verb_state.hpp"
#include "base/file.hpp"
#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"
#include "crypto/fernet.hpp"
#include "net/run_task.hpp"
#include "vault/secret_fields.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {
namespace {

using codec::json::Value;

/// The vault of a data directory as a verb has it.
struct VaultVerb {
    std::unique_ptr<VerbState> verb;

    [[nodiscard]] vault::SecretRepository secrets() {
        return {*verb->state->database, *verb->keyring};
    }
};

Result<VaultVerb> open_vault(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(auto verb, open_verb_state(overrides, surroundings));
    return VaultVerb{std::move(verb)};
}

SystemTime now() { return std::chrono::system_clock::now(); }

Error in_words(Error error, const SecretsOptions& options) {
    const auto quoted = config::quote(options.path);
    if (error.reason == "secret.unknown") {
        error.detail = options.version == 0
                           ? fmt::format(
                                 "there is no secret {}; gatehouse secrets list shows what "
                                 "there is",
                                 quoted)
                           : fmt::format("there is no version {} of {}", options.version, quoted);
    }
    return error;
}

Error usage(std::string text) {
    return {ErrorKind::invalid_argument, "usage", "command line: " + std::move(text)};
}

Result<crypto::Fernet> fernet_of(const SecretsOptions& options) {
    constexpr std::size_t key_file_bytes_max = 256;
    GH_TRY(auto text, read_file_at(options.fernet_key_file, key_file_bytes_max));
    std::string_view key = text;
    while (key.ends_with('\n') || key.ends_with('\r')) key.remove_suffix(1);
    auto made = crypto::Fernet::of_key(key);
    crypto::wipe(text.data(), text.size());
    return made;
}

/// What was typed, or what is in it.
Result<crypto::Secret> plain_of(const SecretsOptions& options) {
    if (options.fernet_key_file.empty()) return options.typed.copy();
    GH_TRY(const auto fernet, fernet_of(options));
    return fernet.open(crypto::text_of(options.typed.bytes()));
}

/// Secrets are objects of JSON, as the clients of KV stores have them.
Result<crypto::Secret> fields_of(const SecretsOptions& options) {
    // It was cut there, so nothing can be said of it.
    if (options.typed.size() > vault::secret_bytes_max)
        return fail(ErrorKind::invalid_argument, "secret.too_long", "a secret has at most 1 MiB");
    GH_TRY(auto plain, plain_of(options));
    const auto typed = crypto::text_of(plain.bytes());
    if (options.json) {
        const auto value = codec::json::parse(typed);
        if (value && value->object() != nullptr) return plain;
        return std::unexpected(usage("--json: standard input is no JSON object"));
    }
    if (!codec::is_utf8(typed))
        return std::unexpected(usage("standard input is no UTF-8 text: encode it, as by base64"));
    return vault::one_field(options.field, typed);
}

/// What `get` prints; a line feed has room behind it, for what grew elsewhere would not be wiped.
Result<std::string> shown(const crypto::Secret& secret, const SecretsOptions& options) {
    const auto text = crypto::text_of(secret.bytes());
    if (options.json) {
        std::string all;
        all.reserve(text.size() + 1);
        all += text;
        return all;
    }
    return vault::field_of(secret, options.field, options.path);
}

Result<std::string> as_token(std::string text, const SecretsOptions& options) {
    auto fernet = fernet_of(options);
    auto token = fernet ? Result<std::string>(fernet->seal(crypto::bytes_of(text), now()))
                        : std::unexpected(std::move(fernet).error());
    crypto::wipe(text.data(), text.size());
    return token;
}

Task<Result<std::vector<std::string>>> all_names(vault::SecretRepository secrets,
                                                 std::string folder) {
    std::vector<std::string> all;
    vault::SecretPage page;
    page.folder = std::move(folder);
    for (;;) {
        GH_CO_TRY(auto some, co_await secrets.list(page));
        if (some.empty()) co_return all;
        page.after = some.back();
        all.insert(all.end(), some.begin(), some.end());
    }
}

/// What is shown, or a token of it.
Result<std::string> printed(const crypto::Secret& secret, const SecretsOptions& options) {
    auto text = shown(secret, options);
    if (text && !options.fernet_key_file.empty()) return as_token(*std::move(text), options);
    return text;
}

CommandResult get_elsewhere(vault::Backend& backend, const SecretsOptions& options) {
    const auto secret = net::run_to_end(backend.get(options.path));
    if (!secret) return failed(in_words(secret.error(), options));
    auto text = printed(*secret, options);
    if (!text) return failed(text.error());
    *text += '\n';
    return {.exit_code = 0, .out = *std::move(text), .err = {}};
}

Result<std::vector<std::string>> names_in(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const SecretsOptions& options) {
    GH_TRY(auto elsewhere, other_backend(overrides, surroundings, options));
    if (elsewhere) return net::run_to_end(elsewhere->list(options.path));
    GH_TRY(auto opened, open_vault(overrides, surroundings));
    return net::run_to_end(all_names(opened.secrets(), options.path));
}

}  // namespace

CommandResult secrets_set(const Overrides& overrides, const Surroundings& surroundings,
                          const SecretsOptions& options) {
    auto fields = fields_of(options);
    if (!fields) return failed(fields.error());
    auto elsewhere = other_backend(overrides, surroundings, options);
    if (!elsewhere) return failed(elsewhere.error());
    if (auto* backend = elsewhere->get()) {
        const auto set = net::run_to_end(backend->set(options.path, *std::move(fields)));
        if (!set) return failed(set.error());
        return {.exit_code = 0,
                .out = {},
                .err = fmt::format("{} is in {}\n", options.path, backend->name())};
    }
    auto opened = open_vault(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto secrets = opened->secrets();
    const auto put = net::run_to_end(secrets.put(options.path, *std::move(fields), options.cas,
                                                 now(), recorded_secret("secret.put")));
    if (!put) return failed(in_words(put.error(), options));
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("version {} of {}\n", put->versions.front(), options.path)};
}

CommandResult secrets_get(const Overrides& overrides, const Surroundings& surroundings,
                          const SecretsOptions& options) {
    auto elsewhere = other_backend(overrides, surroundings, options);
    if (!elsewhere) return failed(elsewhere.error());
    if (auto* backend = elsewhere->get()) return get_elsewhere(*backend, options);
    auto opened = open_vault(overrides, surroundings);
    if (!opened) return failed(opened.error());
    const auto secret = net::run_to_end(opened->secrets().get(options.path, options.version));
    if (!secret) return failed(in_words(secret.error(), options));
    if (!secret->value) {
        return failed({ErrorKind::not_found, "secret.deleted",
                       fmt::format("version {} of {} was {}", secret->version.version,
                                   config::quote(options.path),
                                   secret->version.key_id ? "deleted" : "destroyed")});
    }
    auto text = printed(*secret->value, options);
    if (!text) return failed(text.error());
    if (auto noted = record_read(*opened->verb->state, options.path, secret->version.version);
        !noted)
        return failed(noted.error());
    *text += '\n';
    return {.exit_code = 0, .out = *std::move(text), .err = {}};
}

CommandResult secrets_list(const Overrides& overrides, const Surroundings& surroundings,
                           const SecretsOptions& options) {
    const auto names = names_in(overrides, surroundings, options);
    if (!names) return failed(in_words(names.error(), options));
    std::string text;
    if (options.json) {
        codec::json::Writer out(text);
        out.begin_array();
        for (const auto& name : *names) out.string(name);
        out.end_array();
        text += '\n';
    } else {
        for (const auto& name : *names) text += name + '\n';
    }
    return {.exit_code = 0, .out = std::move(text), .err = {}};
}

CommandResult secrets_delete(const Overrides& overrides, const Surroundings& surroundings,
                             const SecretsOptions& options) {
    auto elsewhere = other_backend(overrides, surroundings, options);
    if (!elsewhere) return failed(elsewhere.error());
    if (auto* backend = elsewhere->get()) {
        const auto removed = net::run_to_end(backend->remove(options.path));
        if (!removed) return failed(removed.error());
        return {.exit_code = 0,
                .out = {},
                .err = fmt::format("{} is deleted from {}\n", options.path, backend->name())};
    }
    auto opened = open_vault(overrides, surroundings);
    if (!opened) return failed(opened.error());
    auto secrets = opened->secrets();
    const auto gone = net::run_to_end(
        options.all ? secrets.forget(options.path, now(), recorded_secret("secret.forget"))
                    : secrets.remove(options.path, {}, now(), recorded_secret("secret.delete")));
    if (!gone) return failed(in_words(gone.error(), options));
    const auto what = options.all              ? "is gone, with every version"
                      : gone->versions.empty() ? "was deleted before"
                                               : "is deleted; --all removes every version";
    return {.exit_code = 0, .out = {}, .err = fmt::format("{} {}\n", options.path, what)};
}

}  // namespace gh::app
