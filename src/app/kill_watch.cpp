#include "app/kill_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/hex.hpp"
#include "gateway/open_work.hpp"
#include "net/answer.hpp"

namespace gh::app {
namespace {

constexpr seconds seen_again{30};  // transactions end in another order than they begin
constexpr seconds recorded_before{30};
constexpr std::size_t place_bytes = 4;
constexpr std::size_t place_file_max = 64;
constexpr milliseconds worker_patience{500};
constexpr milliseconds end_patience{800};
constexpr milliseconds look_again{10};

SystemTime now() { return std::chrono::system_clock::now(); }

std::string host_name() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
    return host.data();
}

/// Another one in each data directory: containers may have one host name and one path.
std::string id_of_place(const std::filesystem::path& data_dir) {
    constexpr std::string_view name = "node";
    const auto is_id = [](const std::string& text) {
        return text.size() == 2 * place_bytes && codec::decode_hex(text);
    };
    if (const auto kept = read_file_at(data_dir / name, place_file_max); kept && is_id(*kept))
        return *kept;
    std::string bytes(place_bytes, '\0');
    random_bytes({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    auto id = codec::encode_hex(bytes);
    // Where it cannot be kept, each start has a place of its own.
    if (const auto directory = open_directory(data_dir))
        (void)replace_file(*directory, name, id, 0600);
    return id;
}

std::size_t count_only(gateway::Worker& worker, const access::Target& target) {
    return gateway::count_open(worker, target);
}

/// Who shows a credential from just before the kill.
access::Principal holder_of(const Kill& kill) {
    access::Principal holder;
    holder.type = kill.target.type;
    holder.issued_at = kill.made_at - std::chrono::microseconds(1);
    if (kill.target.type == access::PrincipalType::api_key) {
        holder.issued_at = SystemTime{};  // whenever it was made
        holder.token_id = kill.target.name;
        holder.revoked_by = access::RevokedBy::key_list;
        return holder;
    }
    holder.subject = kill.target.name;
    if (kill.target.type == access::PrincipalType::service) holder.client_id = kill.target.name;
    holder.revoked_by = access::RevokedBy::token_list;
    return holder;
}

}  // namespace

KillWatch::KillWatch(Parts parts) : parts_(std::move(parts)), records_(parts_.database) {
    place_ = id_of_place(parts_.data_dir) + ':';
    node_ = place_ + host_name() + ':' + std::string(view(uuid_v7(now())));
}

void KillWatch::watch(std::span<const std::unique_ptr<Crew>> crews) {
    for (const auto& crew : crews)
        workers_.emplace_back(crew->worker.loop.mailbox(), &crew->worker);
}

std::shared_ptr<void> KillWatch::claim(std::string id) {
    {
        const std::scoped_lock lock(claims_->mutex);
        if (!claims_->ids.insert(id).second) return {};
    }
    auto* claims = claims_.get();
    return {claims, [all = claims_, id = std::move(id)](void*) {
                const std::scoped_lock lock(all->mutex);
                all->ids.erase(id);
            }};
}

Task<std::vector<std::size_t>> KillWatch::sums(std::vector<access::Target> targets,
                                               CountOpen of_worker) {
    using Counts = std::vector<std::size_t>;
    auto& loop = *net::Loop::current();
    const auto deadline = loop.now() + worker_patience;
    const auto all = std::make_shared<const std::vector<access::Target>>(std::move(targets));
    std::vector<net::Answer<Counts>> answers;
    answers.reserve(workers_.size());
    for (const auto& each : workers_) {
        answers.emplace_back(loop);
        auto count = [give = answers.back().giver(), worker = each.second, all,
                      of_worker]() mutable {
            Counts counts;
            counts.reserve(all->size());
            for (const auto& target : *all) counts.push_back(of_worker(*worker, target));
            give(std::move(counts));
        };
        each.first->post(std::move(count));
    }
    Counts open(all->size(), 0);
    // Nobody knows of one that says nothing: it counts as one.
    const Counts unknown(all->size(), 1);
    for (const auto& answer : answers) {
        const auto counted = co_await answer.wait_until(deadline);
        const auto& counts = counted ? *counted : unknown;
        for (std::size_t i = 0; i < open.size(); ++i) open[i] += counts[i];
    }
    co_return open;
}

Task<KillWatch::Seen> KillWatch::take(std::string id, access::Target target) {
    Seen seen;
    seen.claim = claim(std::move(id));
    std::vector<access::Target> targets{std::move(target)};
    const auto open = co_await sums(std::move(targets), count_only);
    seen.open = open.front();
    co_return seen;
}

/// Of one that was killed here nothing is open. One that still drains leaves by itself, and holds the lock until then.
void KillWatch::take_place() {
    if (lock_) return;
    if (auto lock = FileLock::acquire(parts_.data_dir / "node.lock", milliseconds(0)))
        lock_ = *std::move(lock);
}

Task<Result<void>> KillWatch::say_alive() {
    take_place();
    if (lock_ && !alone_) {
        GH_CO_TRY_VOID(co_await records_.leave(place_, node_));
        alone_ = true;
    }
    co_return co_await records_.say_alive(node_);
}

Task<Result<std::vector<KillWatch::Seen>>> KillWatch::begin() {
    if (!seen_until_) {
        GH_CO_TRY(const auto started, co_await records_.time());
        seen_until_ = started - recorded_before;
    }
    GH_CO_TRY(auto kills, co_await records_.unseen(node_, *seen_until_));
    std::vector<Seen> begun;
    if (kills.empty()) co_return begun;
    // Of those before the first one all were seen.
    seen_until_ = std::max(*seen_until_, kills.front().made_at - seen_again);
    std::vector<access::Target> targets;
    for (auto& kill : kills) {
        auto mine = claim(kill.id);
        if (!mine) continue;
        targets.push_back(kill.target);
        Seen seen{.kill = std::move(kill), .open = 0, .claim = std::move(mine)};
        begun.push_back(std::move(seen));
    }
    const auto open = co_await sums(std::move(targets), gateway::end_open);
    for (std::size_t i = 0; i < begun.size(); ++i) begun[i].open = open[i];
    co_return begun;
}

Task<Result<void>> KillWatch::learn(SystemTime since) {
    GH_CO_TRY(const auto found, co_await parts_.recorded.list(since, now()));
    parts_.revocations.add(found, now());
    co_return co_await parts_.learn_certificates(since);
}

bool KillWatch::refuses(const Kill& kill) const {
    // A service that is a few keys has no tokens.
    const bool has_tokens = std::ranges::any_of(
        kill.held, [](const KillItem& item) { return item.kind == "admission"; });
    if (!has_tokens && kill.target.type == access::PrincipalType::service) return true;
    return parts_.revocations.covers(holder_of(kill));
}

Task<Result<void>> KillWatch::finish(std::vector<Seen> begun) {
    if (begun.empty()) co_return Result<void>{};
    auto& loop = *net::Loop::current();
    const auto deadline = loop.now() + end_patience;
    auto since = SystemTime::max();
    std::vector<access::Target> targets;
    for (const auto& seen : begun) {
        since = std::min(since, seen.kill.made_at - recorded_before);
        targets.push_back(seen.kill.target);
    }
    GH_CO_TRY_VOID(co_await learn(since));
    auto open = co_await sums(targets, gateway::end_open);
    for (std::size_t i = 0; i < begun.size(); ++i) begun[i].open = std::max(begun[i].open, open[i]);
    const auto is_open = [](std::size_t count) { return count > 0; };
    while (std::ranges::any_of(open, is_open) && loop.now() < deadline) {
        co_await net::Sleep(loop, look_again);
        open = co_await sums(targets, gateway::end_open);
    }
    Result<void> all;
    for (std::size_t i = 0; i < begun.size(); ++i) {
        KillSighting sighting{.node = node_,
                              .open_before = static_cast<std::int64_t>(begun[i].open),
                              .open_after = static_cast<std::int64_t>(open[i]),
                              .refused = refuses(begun[i].kill),
                              .at = now()};
        auto said = co_await records_.sight(begun[i].kill.id, std::move(sighting));
        begun[i].claim.reset();
        if (!said) all = std::move(said);
    }
    co_return all;
}

}  // namespace gh::app
