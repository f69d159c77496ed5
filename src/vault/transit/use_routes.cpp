#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/json_writer.hpp"
#include "vault/transit/answer.hpp"
#include "vault/transit/use.hpp"

namespace gh::vault::transit {
namespace {

using codec::json::Writer;

/// All that one request works with, on whatever thread.
struct Work {
    Verb verb;
    crypto::Secret made;  ///< that the item of a data key points into
    Use use;
    SharedFacts facts;
    std::vector<Step> steps;
    Materials materials;
    std::vector<Outcome> outcomes;
};

std::unexpected<Error> unknown_key(Verb verb) {
    const std::string_view what = verb == Verb::sign     ? "signing key not found"
                                  : verb == Verb::verify ? "signature verification key not found"
                                                         : "encryption key not found";
    return fail(ErrorKind::invalid_argument, "transit.unknown_key", std::string(what));
}

/// To open a version costs half a millisecond, on a thread of the database.
constexpr std::size_t named_versions_max = 32;

std::set<std::uint32_t> versions_of(const std::vector<Step>& steps) {
    std::set<std::uint32_t> versions;
    for (const auto& step : steps) {
        if (!step.error.empty()) continue;
        if (step.version > 0) versions.insert(step.version);
        if (step.parcel.version > 0) versions.insert(step.parcel.version);
    }
    return versions;
}

/// Does it take longer than others should wait?
bool is_long(const Work& work) {
    if (work.verb == Verb::hmac || work.verb == Verb::verify_hmac) return false;
    constexpr std::size_t quick_max = 16;
    const auto type = work.facts->key.type;
    return is_slow(type) || (pair_of(type) && work.use.items.size() > quick_max);
}

Result<void> make_plan(Work& work) {
    GH_TRY_VOID(check_use(*work.facts, work.verb, work.use));
    work.steps = plan(*work.facts, work.verb, work.use);
    return {};
}

/// What its versions are, and how it ends for each item.
Task<Result<void>> do_work(TransitRoom& room, std::shared_ptr<Work> work) {
    GH_CO_TRY_VOID(make_plan(*work));
    if (std::ranges::any_of(work->steps, &Step::is_ahead)) {
        GH_CO_TRY(work->facts, co_await room.open.facts(work->facts->key.name, OpenKeys::Age::now));
        GH_CO_TRY_VOID(make_plan(*work));  // it may be another key by now
    }
    auto versions = versions_of(work->steps);
    if (versions.size() > named_versions_max) {
        co_return fail(ErrorKind::invalid_argument, "transit.input",
                       "batch_input is of more than 32 versions: send it in parts");
    }
    GH_CO_TRY(work->materials, co_await room.open.materials(work->facts, std::move(versions)));
    auto run = [work]() -> Result<void> {
        work->outcomes =
            carry_out(*work->facts, work->verb, work->use, work->steps, work->materials);
        return {};
    };
    if (is_long(*work)) co_return co_await room.pool.run(std::move(run));
    co_return run();
}

bool is_error(const Outcome& outcome) { return !outcome.error.empty(); }

std::string_view action_of(Verb verb) {
    switch (verb) {
        case Verb::encrypt: return "transit.encrypt";
        case Verb::decrypt: return "transit.decrypt";
        case Verb::rewrap: return "transit.rewrap";
        case Verb::sign: return "transit.sign";
        case Verb::hmac: return "transit.hmac";
        case Verb::verify:
        case Verb::verify_hmac: return {};
    }
    return {};
}

/// What gives something away is recorded, once a request. A check gives nothing away.
Task<Result<void>> record(TransitRoom& room, const Entry& entry, const Work& work) {
    const auto action = action_of(work.verb);
    const auto failed = std::ranges::count_if(work.outcomes, is_error);
    const auto done = static_cast<std::int64_t>(work.outcomes.size()) - failed;
    if (action.empty() || done == 0) co_return Result<void>{};
    auto told = audit::act_of(entry.call, std::string(action), "transit key", work.facts->key.name);
    told.details = {{"texts", done}};
    co_return co_await room.vault.audit.append(std::move(told));
}

void write_members(Writer& out, Verb verb, const Outcome& outcome, bool is_batch) {
    const bool failed = is_error(outcome);
    const auto version = [&] { out.name("key_version").integer(outcome.version); };
    switch (verb) {
        case Verb::encrypt:
        case Verb::rewrap:
            if (failed) break;
            out.name("ciphertext").string(outcome.text);
            version();
            break;
        case Verb::decrypt: out.name("plaintext").string(outcome.text); break;
        case Verb::sign:
            if (!failed) out.name("signature").string(outcome.text);
            version();
            if (!outcome.public_key.empty())
                out.name(is_batch ? "publickey" : "public_key").string(outcome.public_key);
            break;
        case Verb::hmac:
            if (!failed) out.name("hmac").string(outcome.text);
            break;
        case Verb::verify:
        case Verb::verify_hmac: out.name("valid").boolean(outcome.valid); break;
    }
    if (failed) out.name("error").string(outcome.error);
}

std::uint16_t status_of(const Work& work) {
    const bool answers_alike =
        work.verb != Verb::encrypt && work.verb != Verb::decrypt && work.verb != Verb::rewrap;
    const auto failed = static_cast<std::size_t>(std::ranges::count_if(work.outcomes, is_error));
    if (answers_alike || failed == 0) return 200;
    const auto code = work.use.partial_failure_code.value_or(400);
    if (failed == work.outcomes.size() || code < 200 || code > 599) return 400;
    return static_cast<std::uint16_t>(code);
}

api::Reply reply_of(const Entry& entry, Work& work) {
    if (!work.use.is_batch && is_error(work.outcomes.front()))
        return refused(400, "transit.input", work.outcomes.front().error);
    std::string data;
    Writer out(data);
    out.begin_object();
    if (work.use.is_batch) {
        out.name("batch_results").begin_array();
        for (std::size_t i = 0; i < work.outcomes.size(); ++i) {
            out.begin_object();
            write_members(out, work.verb, work.outcomes[i], true);
            out.name("reference").string(work.use.items[i].reference).end_object();
        }
        out.end_array();
    } else {
        write_members(out, work.verb, work.outcomes.front(), false);
    }
    out.end_object();
    auto reply = enveloped(entry, data);
    reply.status = status_of(work);
    crypto::wipe(data.data(), data.size());
    for (auto& outcome : work.outcomes) crypto::wipe(outcome.text.data(), outcome.text.size());
    return reply;
}

Answered finish(TransitRoom& room, Entry entry, std::shared_ptr<Work> work) {
    GH_CO_TRY_VOID(co_await do_work(room, work));
    GH_CO_TRY_VOID(co_await record(room, entry, *work));
    co_return reply_of(entry, *work);
}

template <Verb verb>
Answered use_key(TransitRoom& room, Entry entry, std::string_view body) {
    auto work = std::make_shared<Work>();
    work->verb = verb;
    GH_CO_TRY(work->use, parse_use(body));
    if (const auto hash = entry.call.param("algorithm"); !hash.empty()) work->use.hash = hash;
    auto facts = co_await room.open.facts(name_in(entry));
    if (!facts && facts.error().reason == "transit.unknown") co_return unknown_key(verb);
    GH_CO_TRY(work->facts, std::move(facts));
    co_return co_await finish(room, std::move(entry), std::move(work));
}

/// Signatures and HMACs have one door, and what the first item brings says which it is.
Answered verify(TransitRoom& room, Entry entry, std::string_view body) {
    GH_CO_TRY(const auto use, parse_use(body));
    const auto has = [&](auto member) {
        return static_cast<std::size_t>(std::ranges::count_if(
            use.items, [member](const Item& item) { return (item.*member).has_value(); }));
    };
    const auto signatures = has(&Item::signature), codes = has(&Item::hmac);
    const auto wrong = [](std::string text) {
        return fail(ErrorKind::invalid_argument, "transit.input", std::move(text));
    };
    if (signatures > 0 && codes > 0) {
        co_return wrong(use.is_batch ? "elements of batch_input must all provide 'signature' or "
                                       "all provide 'hmac'"
                                     : "provide one of 'signature' or 'hmac'");
    }
    if (signatures == 0 && codes == 0) {
        co_return wrong(use.is_batch ? "no batch_input elements have 'signature' or 'hmac'"
                                     : "neither a 'signature' nor an 'hmac' were given to verify");
    }
    if (std::max(signatures, codes) < use.items.size()) {
        co_return wrong(std::string("some elements of batch_input are missing '") +
                        (signatures > 0 ? "signature'" : "hmac'"));
    }
    if (codes > 0) co_return co_await use_key<Verb::verify_hmac>(room, std::move(entry), body);
    co_return co_await use_key<Verb::verify>(room, std::move(entry), body);
}

/// Whoever may create may make the key by encrypting with it.
Task<Result<SharedFacts>> made_for(TransitRoom& room, const Entry& entry, const Use& use) {
    NewKey key;
    key.name = name_in(entry);
    GH_CO_TRY_VOID(check_key_name(key.name));
    const auto type = type_named(use.type.value_or("aes256-gcm96"));
    if (!type || !cipher_of(*type)) {
        co_return fail(
            ErrorKind::invalid_argument, "transit.body",
            (type ? "key type " + std::string(*use.type) + " not supported for this operation"
                  : "unknown key type " + std::string(*use.type)));
    }
    key.type = *type;
    key.derived = !use.items.front().context.empty();
    GH_CO_TRY_VOID(check_use({.key = key, .latest = 1}, Verb::encrypt, use));
    auto record = audit::act_of(entry.call, "transit.create", "transit key", key.name);
    auto also = recorded(std::move(record));
    auto material = Material::generate(key.type, 0);
    const auto name = key.name;
    GH_CO_TRY_VOID(co_await room.keys.create(std::move(key), std::move(material),
                                             std::chrono::system_clock::now(), std::move(also)));
    room.open.forget(name);
    co_return co_await room.open.facts(name);
}

Answered encrypt(TransitRoom& room, Entry entry, std::string_view body) {
    auto facts = co_await room.open.facts(name_in(entry));
    const bool is_new = !facts && facts.error().reason == "transit.unknown";
    const auto wanted = is_new ? Capability::create : Capability::update;
    if ((facts || is_new) && !entry.may.has(wanted)) co_return permission_denied("access.policy");
    auto work = std::make_shared<Work>();
    work->verb = Verb::encrypt;
    GH_CO_TRY(work->use, parse_use(body));
    if (is_new) facts = co_await made_for(room, entry, work->use);
    GH_CO_TRY(work->facts, std::move(facts));
    co_return co_await finish(room, std::move(entry), std::move(work));
}

Answered make_data_key(TransitRoom& room, Entry entry, std::string_view body) {
    const auto kind = entry.call.param("kind");
    if (kind != "plaintext" && kind != "wrapped") {
        co_return refused(400, "transit.input", "Invalid path, must be 'plaintext' or 'wrapped'");
    }
    auto work = std::make_shared<Work>();
    work->verb = Verb::encrypt;
    GH_CO_TRY(work->use, parse_use(body));
    auto& use = work->use;
    if (use.is_batch || use.items.front().plaintext)
        co_return refused(400, "transit.input", "a data key is made here: none is taken");
    if (use.bits != 128 && use.bits != 256 && use.bits != 512)
        co_return refused(400, "transit.input", "invalid bit length");
    const auto key = crypto::Secret::random(use.bits / 8);
    auto coded = codec::encode_base64(crypto::text_of(key.bytes()));
    work->made = crypto::Secret(coded);
    use.items.front().plaintext = crypto::text_of(work->made.bytes());
    crypto::wipe(coded.data(), coded.size());
    auto facts = co_await room.open.facts(name_in(entry));
    if (!facts && facts.error().reason == "transit.unknown") co_return unknown_key(Verb::encrypt);
    GH_CO_TRY(work->facts, std::move(facts));
    GH_CO_TRY_VOID(co_await do_work(room, work));
    const auto& done = work->outcomes.front();
    if (is_error(done)) co_return refused(400, "transit.input", done.error);
    auto told = audit::act_of(entry.call, "transit.data_key", "transit key", name_in(entry));
    GH_CO_TRY_VOID(co_await room.vault.audit.append(std::move(told)));
    std::string data;
    Writer out(data);
    out.begin_object().name("ciphertext").string(done.text);
    out.name("key_version").integer(done.version);
    if (kind == "plaintext") out.name("plaintext").string(*use.items.front().plaintext);
    out.end_object();
    auto reply = enveloped(entry, data);
    crypto::wipe(data.data(), data.size());
    co_return reply;
}

}  // namespace

std::vector<api::Route> use_routes(TransitRoom& room) {
    Table table(room.vault);
    const auto add = [&](const std::string& path, Want want, std::string_view place,
                         Handler handler, const std::string& summary) {
        table.add_write("/v1/" + path, {.want = want, .place = place}, with(room, handler), summary,
                        body_bytes_max);
    };
    add("transit/encrypt/{name}", Want::write, "transit/encrypt/{name}", encrypt,
        "Encrypts texts; with a key that it makes, where that may be.");
    add("transit/decrypt/{name}", Want::update, "transit/decrypt/{name}", use_key<Verb::decrypt>,
        "Decrypts texts.");
    add("transit/rewrap/{name}", Want::update, "transit/rewrap/{name}", use_key<Verb::rewrap>,
        "Encrypts ciphertexts anew with the latest version.");
    add("transit/datakey/{kind}/{name}", Want::update, "transit/datakey/{kind}/{name}",
        make_data_key,
        "Makes a key for the caller, encrypted, and in plain where it is asked for.");
    add("transit/sign/{name}", Want::update, "transit/sign/{name}", use_key<Verb::sign>,
        "Signs texts.");
    add("transit/sign/{name}/{algorithm}", Want::update, "transit/sign/{name}/{algorithm}",
        use_key<Verb::sign>, "Signs texts, hashed so.");
    add("transit/verify/{name}", Want::update, "transit/verify/{name}", verify,
        "Checks signatures or HMACs.");
    add("transit/verify/{name}/{algorithm}", Want::update, "transit/verify/{name}/{algorithm}",
        verify, "Checks signatures or HMACs, hashed so.");
    add("transit/hmac/{name}", Want::update, "transit/hmac/{name}", use_key<Verb::hmac>,
        "Makes HMACs of texts.");
    add("transit/hmac/{name}/{algorithm}", Want::update, "transit/hmac/{name}/{algorithm}",
        use_key<Verb::hmac>, "Makes HMACs of texts, hashed so.");
    return std::move(table).take();
}

}  // namespace gh::vault::transit
