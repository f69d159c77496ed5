#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "access/event_log.hpp"
#include "base/spin_lock.hpp"

namespace gh::access {

template <std::size_t Entries>
struct KeptLog {
    EventLogHead head;
    std::array<std::uint16_t, Entries> ring;
};

/// One cache line: enough for most clients of most limits. A busier one gets a WideLog; this one
/// then only points to it.
using NarrowLog = KeptLog<20>;
/// Four cache lines: groups of at most 1/116 of any limit.
using WideLog = KeptLog<116>;

/// One share of the table under one lock: logs of clients found by hash, wide logs for the busy
/// among them, and shared logs, by limit, for clients that found no room. Made of zeroed memory; a
/// log is free when it has lapsed.
struct alignas(64) LimitStripe {
    static constexpr std::size_t buckets = 16;
    static constexpr std::size_t bucket_logs = 7;
    static constexpr std::size_t buckets_probed = 8;
    static constexpr std::size_t wide_logs = 16;
    static constexpr std::size_t shared_logs = 4;

    struct Bucket {
        std::array<std::uint64_t, bucket_logs>
            keys;  ///< together in a line, so that a search reads one
        std::uint64_t padding;
        std::array<NarrowLog, bucket_logs> logs;
    };

    SpinLock lock;
    std::int64_t clock_ns;  ///< the latest time seen here: time in a stripe never runs backwards
    std::array<std::uint64_t, shared_logs> shared_tags;  ///< whose limit each shared log counts for
    std::array<Bucket, buckets> clients;
    std::array<WideLog, wide_logs> wide;
    std::array<WideLog, shared_logs> shared;

    /// The log of this client while it lives; nullptr: a newcomer.
    [[nodiscard]] NarrowLog* find(std::uint64_t key);
    /// A free log for a newcomer, already under its key; nullptr: none among those where it would
    /// be searched.
    [[nodiscard]] NarrowLog* claim(std::uint64_t key);
    /// The shared log of a limit while it lives.
    [[nodiscard]] WideLog* find_shared(std::uint64_t tag);
    [[nodiscard]] WideLog* claim_shared(std::uint64_t tag);

    /// Where the events of `log` are kept, in place or in the wide log that it points to.
    struct Storage {
        EventLogHead* head;
        std::span<std::uint16_t> ring;
    };
    [[nodiscard]] Storage storage_of(NarrowLog& log);
    /// Moves the events of `log` to a free wide log, if there is one.
    void widen(NarrowLog& log, const EventLogShape& shape);
    [[nodiscard]] static bool widened(const NarrowLog& log) {
        return log.head.entries == elsewhere;
    }

 private:
    static constexpr std::uint16_t elsewhere =
        0xffff;  ///< in `entries`: ring[0] is the index of a wide log

    [[nodiscard]] Bucket& probed(std::uint64_t key, std::size_t step);
};

static_assert(sizeof(NarrowLog) == 64 && sizeof(WideLog) == 256);
static_assert(sizeof(LimitStripe::Bucket) == 512);
static_assert(std::is_trivially_copyable_v<LimitStripe>, "lives in zeroed memory");

}  // namespace gh::access
