#include "storage/traced.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "storage/testing.hpp"
#include "telemetry/trace.hpp"

namespace gh::storage {
namespace {

constexpr Statement make{.name = "t.make", .sql = "CREATE TABLE t (id BIGINT PRIMARY KEY)"};
constexpr Statement insert{.name = "t.insert", .sql = "INSERT INTO t (id) VALUES ($1)"};
constexpr Statement count_all{.name = "t.count", .sql = "SELECT count(*) FROM t"};
constexpr Statement wrong{.name = "t.wrong", .sql = "SELECT nothing FROM nowhere"};

struct Kept final : telemetry::TraceSink {
    void append(const telemetry::Trace& trace,
                const telemetry::SpanRecord& root) noexcept override {
        root_id = root.id;
        trace.for_each([&](const telemetry::SpanRecord& each) {
            auto text = std::string(each.name);
            for (const auto& [key, value] : each.attributes) {
                if (key == "db.operation.name")
                    text += " " + std::string(std::get<std::string_view>(value));
            }
            if (each.failed) text += " failed: " + std::string(each.why);
            if (each.parent != root.id) text = "  " + text;
            spans.push_back(std::move(text));
        });
    }
    telemetry::SpanId root_id{};
    std::vector<std::string> spans;
};

class TracedTest : public EngineTest {
 protected:
    /// What the trace of a caller tells of what `work` does.
    template <class Work>
    std::vector<std::string> spans_of(Work work) {
        Kept kept;
        const telemetry::Tracer tracer(kept, {});
        auto whole = [](const telemetry::Tracer& by, Work& inner) -> Task<Result<void>> {
            const telemetry::JobTrace job(&by, "test");
            std::ignore = co_await inner();
            co_return Result<void>{};
        };
        EXPECT_TRUE(run_to_end(whole(tracer, work)));
        return kept.spans;
    }
};
INSTANTIATE_TEST_SUITE_P(Engines, TracedTest, both_engines, engine_name);

using Spans = std::vector<std::string>;

TEST_P(TracedTest, EachStatementOfATransactionIsASpanBelowIt) {
    const auto traced_database = traced(std::move(database));
    auto& on = *traced_database;
    EXPECT_EQ(spans_of([&] { return on.query(make); }), Spans{"t.make other"});
    auto twice = [](Session& session) -> Task<Result<std::uint64_t>> {
        GH_CO_TRY_VOID(co_await session.execute(insert, 1));
        std::vector<Parameters> sets;
        for (int id = 2; id < 5; ++id) sets.push_back({to_value(id)});
        co_return co_await session.execute_many(insert, std::move(sets));
    };
    EXPECT_EQ(spans_of([&] { return on.write(twice); }),
              (Spans{"db.write", "  t.insert insert", "  t.insert insert"}));
    EXPECT_EQ(spans_of([&] { return on.query(count_all); }), Spans{"t.count select"});
    const std::string why =
        on.dialect() == Dialect::sqlite ? "storage.statement" : "storage.schema";
    EXPECT_EQ(spans_of([&] { return on.query(wrong); }), Spans{"t.wrong select failed: " + why});
    auto again = [](Session& session) -> Task<Result<std::uint64_t>> {
        return session.execute(insert, 1);
    };
    EXPECT_EQ(
        spans_of([&] { return on.write(again); }),
        (Spans{"db.write failed: storage.unique", "  t.insert insert failed: storage.unique"}));
}

TEST_P(TracedTest, WithoutATraceItIsTheDatabaseItself) {
    const auto traced_database = traced(std::move(database));
    EXPECT_EQ(traced_database->dialect(), GetParam());
    ASSERT_TRUE(run_to_end(traced_database->query(make)));
    const auto rows = run_to_end(traced_database->query(count_all));
    ASSERT_TRUE(rows);
    EXPECT_EQ((*rows)[0].integer(0), 0);
}

}  // namespace
}  // namespace gh::storage
