#include "vault/transit/open_keys.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"

namespace gh::vault::transit {
namespace {

/// Is it the same key, for the same uses? What was opened for others is not used for these.
bool are_alike(const KeyFacts& a, const KeyFacts& b) { return sealed_path(a) == sealed_path(b); }

}  // namespace

SharedFacts OpenKeys::known(std::string_view name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || now_() - found->second.read_at >= fresh_for) return nullptr;
    return found->second.facts;
}

Materials OpenKeys::known(const KeyFacts& facts, std::set<std::uint32_t>& versions) const {
    Materials found;
    const std::scoped_lock lock(mutex_);
    const auto entry = entries_.find(facts.key.name);
    if (entry == entries_.end() || !are_alike(*entry->second.facts, facts)) return found;
    std::erase_if(versions, [&](std::uint32_t version) {
        const auto material = entry->second.versions.find(version);
        if (material == entry->second.versions.end()) return false;
        found.insert(*material);
        return true;
    });
    return found;
}

std::uint64_t OpenKeys::changes() const {
    const std::scoped_lock lock(mutex_);
    return changes_;
}

void OpenKeys::keep(SharedFacts facts, std::uint64_t changes) {
    const std::scoped_lock lock(mutex_);
    if (changes != changes_) return;
    auto found = entries_.find(facts->key.name);
    if (found == entries_.end()) {
        if (entries_.size() >= keys_max) {
            const auto by_age = [](const auto& a, const auto& b) {
                return a.second.read_at < b.second.read_at;
            };
            entries_.erase(std::ranges::min_element(entries_, by_age));
        }
        found = entries_.try_emplace(facts->key.name).first;
    } else if (!are_alike(*found->second.facts, *facts)) {
        found->second.versions.clear();
    }
    auto& versions = found->second.versions;
    const auto gone = std::max(facts->min_available, facts->min_decryption);
    versions.erase(versions.begin(), versions.lower_bound(gone));
    found->second.facts = std::move(facts);
    found->second.read_at = now_();
}

void OpenKeys::keep(const KeyFacts& facts, const Materials& read) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(facts.key.name);
    if (found == entries_.end() || !are_alike(*found->second.facts, facts)) return;
    auto& versions = found->second.versions;
    versions.insert(read.begin(), read.end());
    while (versions.size() > versions_max) versions.erase(versions.begin());
}

void OpenKeys::forget(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    ++changes_;
    const auto found = entries_.find(name);
    if (found != entries_.end()) entries_.erase(found);
}

Task<Result<SharedFacts>> OpenKeys::facts(std::string name, Age age) {
    if (age == Age::fresh) {
        if (auto facts = known(name)) co_return facts;
    }
    const auto before = changes();
    GH_CO_TRY(auto read, co_await repository_.find(name));
    auto facts = std::make_shared<const KeyFacts>(std::move(read));
    keep(facts, before);
    co_return facts;
}

Task<Result<Materials>> OpenKeys::materials(SharedFacts facts, std::set<std::uint32_t> versions) {
    auto all = known(*facts, versions);
    if (versions.empty()) co_return all;
    GH_CO_TRY(auto opened, co_await repository_.open(facts->key.name, std::move(versions)));
    // It may have become exportable since; no use of it asks for that.
    opened.facts.key.exportable = facts->key.exportable;
    if (!are_alike(opened.facts, *facts)) {
        forget(facts->key.name);
        co_return fail(ErrorKind::conflict, "transit.changed", "the key is another one by now");
    }
    Materials read;
    for (auto& each : opened.versions) read.emplace(each.version, std::move(each.material));
    keep(*facts, read);
    all.merge(read);
    co_return all;
}

}  // namespace gh::vault::transit
