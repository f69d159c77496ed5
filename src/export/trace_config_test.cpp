#include "export/trace_config.hpp"

#include <gtest/gtest.h>

#include "config/read_for_test.hpp"

namespace gh::exporting {
namespace {

using config::read_for_test;

TEST(TraceConfig, ExportsNothingUnlessSaid) {
    const auto read = read_for_test(traces_type(), "{}");
    EXPECT_EQ(read.problems, "");
    EXPECT_EQ(read.value, TracesConfig());
    EXPECT_EQ(read.value.otlp_endpoint, "");
}

TEST(TraceConfig, ReadsAll) {
    const auto read = read_for_test(
        traces_type(),
        "{otlp_endpoint: \"https://collector:4318/base\", encoding: json, sample: 0.25, slow: 2s, "
        "headers: {Authorization: \"${env:T}\"}, service_name: front}",
        {{"T", "Bearer hush"}});
    ASSERT_EQ(read.problems, "");
    EXPECT_EQ(read.value.sample, 0.25);
    EXPECT_EQ(read.value.slow, std::chrono::milliseconds(2'000));
    EXPECT_FALSE(read.shown.contains("hush")) << read.shown;
    const auto endpoint = trace_endpoint(read.value);
    ASSERT_TRUE(endpoint) << describe(endpoint.error());
    EXPECT_EQ(endpoint->url.target, "/base/v1/traces");
    EXPECT_EQ(endpoint->fields.front().second, "Bearer hush");
    EXPECT_NE(endpoint->tls, nullptr);
}

TEST(TraceConfig, RefusesWhatCannotBeMeant) {
    const auto refused = [](const std::string& yaml) {
        return read_for_test(traces_type(), yaml).problems;
    };
    for (const auto* share : {"1.5", "-0.1", "1e-3", "nan", "\"0.5\"", "much", ".", "0x1"})
        EXPECT_TRUE(refused(std::string("sample: ") + share).contains("0 to 1")) << share;
    EXPECT_TRUE(refused("otlp_endpoint: \"http://collector:4318\"").contains("insecure: true"));
    EXPECT_EQ(refused("{otlp_endpoint: \"http://collector:4318\", insecure: true}"), "");
    EXPECT_EQ(refused("otlp_endpoint: \"http://127.0.0.1:4318\""), "");
    EXPECT_TRUE(refused("otlp_endpoint: \"collector:4318\"").contains("no URL of a collector"));
    for (const auto* name : {"Host", "content-length", "\"a b\"", "\"a\\r\\nb\""}) {
        EXPECT_NE(read_for_test(traces_type(), "headers: {" + std::string(name) + ": \"${env:T}\"}",
                                {{"T", "x"}})
                      .problems,
                  "")
            << name;
    }
}

TEST(TraceConfig, APathThatIsThereAlreadyIsNotAddedTwice) {
    for (const auto* url :
         {"http://localhost:4318", "http://localhost:4318/", "http://localhost:4318/v1/traces",
          "http://localhost:4318/v1/traces/"}) {
        const auto endpoint = trace_endpoint({.otlp_endpoint = url});
        ASSERT_TRUE(endpoint);
        EXPECT_EQ(endpoint->url.target, "/v1/traces") << url;
        EXPECT_EQ(endpoint->tls, nullptr);
    }
}

}  // namespace
}  // namespace gh::exporting
