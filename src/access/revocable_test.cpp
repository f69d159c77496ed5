#include "access/revocable.hpp"

#include <gtest/gtest.h>

namespace gh::access {
namespace {

constexpr std::string_view agent_id = "018bcfe5-6800-7d5b-8de0-e1c49013ae10";

Principal token(PrincipalType type, std::string subject) {
    Principal made;
    made.type = type;
    made.subject = std::move(subject);
    made.revoked_by = RevokedBy::token_list;
    return made;
}

Principal key(std::string id, std::string subject, std::string answers_to) {
    Principal made;
    made.type = PrincipalType::api_key;
    made.subject = std::move(subject);
    made.token_id = std::move(id);
    made.answers_to = std::move(answers_to);
    made.revoked_by = RevokedBy::key_list;
    return made;
}

TEST(Target, IsReadAndWrittenAlike) {
    for (const std::string text : {"user:ada", "service:mail", "api_key:k1", "agent:a", "user:a:b"})
        EXPECT_EQ(text_of(target_of(text).value()), text);
    for (const std::string text :
         {"", "user", "user:", ":ada", "certificate:x", "anonymous:x", "User:ada", "user:a\nb"})
        EXPECT_EQ(target_of(text).error().reason, "kill.principal") << text;
    EXPECT_FALSE(target_of("user:" + std::string(target_bytes_max, 'a')));
    EXPECT_EQ(address_of(target_of("agent:a").value()), "a");
    EXPECT_EQ(address_of(target_of("user:ada").value()), "user:ada");
    EXPECT_EQ(address_of(target_of("user:ada@x y%").value()), "user:ada%40x%20y%25");
    const auto ada = target_of("user:a@b").value();
    const Whom whom{.target = ada, .names = own_names(ada)};
    EXPECT_EQ(list_of_holders(whom), R"(["user:a@b","delegated:a@b"])");
    EXPECT_EQ(list_of_senders(whom), R"(["user:a%40b","delegated:a%40b"])");
    Whom shared{.target = ada, .names = {{.name = ada, .shared = true}}};
    EXPECT_EQ(list_of_inboxes(shared), "[]");
    EXPECT_EQ(own_names(target_of("service:mail").value()).size(), 1U);
}

TEST(IsOf, FindsTokensOfThePrincipalAndOfWhoActsForIt) {
    const Target ada{.type = PrincipalType::user, .name = "ada"};
    EXPECT_TRUE(is_of(ada, token(PrincipalType::user, "Ada"), nullptr));
    EXPECT_FALSE(is_of(ada, token(PrincipalType::user, "adam"), nullptr));
    EXPECT_FALSE(is_of(ada, token(PrincipalType::service, "ada"), nullptr)) << "a namesake";
    auto delegated = token(PrincipalType::delegated, "bob");
    delegated.actors = {"mail", "ADA"};
    EXPECT_TRUE(is_of(ada, delegated, nullptr));
    auto foreign = token(PrincipalType::user, "ada");
    foreign.revoked_by = RevokedBy::nothing;
    EXPECT_FALSE(is_of(ada, foreign, nullptr));
    auto of_client = token(PrincipalType::user, "bob");
    of_client.client_id = "mail";
    EXPECT_TRUE(is_of({.type = PrincipalType::service, .name = "mail"}, of_client, nullptr));
    EXPECT_FALSE(is_of(ada, of_client, nullptr));
}

TEST(IsOf, FindsKeysByTheirIdTheirLineAndWhomTheyAnswerTo) {
    auto made = key("k2", "importer", "Ada");
    made.origins = {"k1"};
    EXPECT_TRUE(is_of({.type = PrincipalType::api_key, .name = "k2"}, made, nullptr));
    EXPECT_TRUE(is_of({.type = PrincipalType::api_key, .name = "k1"}, made, nullptr));
    EXPECT_FALSE(is_of({.type = PrincipalType::api_key, .name = "importer"}, made, nullptr));
    EXPECT_TRUE(is_of({.type = PrincipalType::user, .name = "ada"}, made, nullptr));
    EXPECT_FALSE(is_of({.type = PrincipalType::user, .name = "k2"}, made, nullptr));
    EXPECT_FALSE(is_of({.type = PrincipalType::service, .name = "importer"}, made, nullptr));
    made.type = PrincipalType::service;
    EXPECT_TRUE(is_of({.type = PrincipalType::service, .name = "importer"}, made, nullptr));
}

TEST(IsOf, FindsAgentsByTheirCertificatesToo) {
    const Target agent{.type = PrincipalType::agent, .name = std::string(agent_id)};
    EXPECT_TRUE(is_of(agent, token(PrincipalType::agent, agent.name), nullptr));
    Principal by_certificate;
    by_certificate.type = PrincipalType::certificate;
    ClientCertificate shown;
    const auto says = [&](const std::string& name) {
        shown.names = {"dns:x", name};
        return is_of(agent, by_certificate, &shown);
    };
    EXPECT_TRUE(says("uri:spiffe://gatehouse.example/agent/" + agent.name));
    EXPECT_FALSE(says("uri:spiffe://gatehouse.example/x/agent/" + agent.name));
    EXPECT_FALSE(says("uri:spiffe://gatehouse.example/agent/x" + agent.name));
    EXPECT_FALSE(says("dns:agent/" + agent.name));
    EXPECT_FALSE(is_of({.type = PrincipalType::user, .name = agent.name}, by_certificate, &shown));
}

}  // namespace
}  // namespace gh::access
