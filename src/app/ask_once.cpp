#include "app/ask_once.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "config/file.hpp"
#include "net/certificate_files.hpp"
#include "net/resolver.hpp"
#include "net/run_task.hpp"
#include "pki/acme_client/transport.hpp"

namespace gh::app {
namespace {

Result<std::vector<net::Address>> addresses_of(const codec::HttpsUrl& url) {
    if (auto literal = net::Address::parse(url.host, url.port))
        return std::vector<net::Address>{*literal};
    return net::resolve_now(url.host, url.port);
}

}  // namespace

Result<http::Fetched> ask_once(const Question& question) {
    GH_TRY(auto addresses, addresses_of(question.url));
    http::FetchRequest request;
    request.tls = question.tls.get();
    request.server_name = question.url.host;
    request.authority = question.authority.empty() ? question.url.authority : question.authority;
    request.target = question.url.target;
    request.fields = question.fields;
    request.content_type = question.content_type;
    request.body = question.body;
    request.timeout = question.timeout;
    request.body_bytes_max = question.body_bytes_max;
    const auto prefix = request.authority + ": ";
    auto answer =
        net::run_to_end(pki::acme_client::fetch_of_any(std::move(addresses), std::move(request)));
    if (!answer && answer.error().detail.starts_with(prefix))
        answer.error().detail.erase(0, prefix.size());  // the caller names it in its own words
    return answer;
}

std::string why_unanswered(const Error& error) {
    if (error.reason == "fetch.timeout") return "no answer in time";
    return error.detail.empty() ? std::string(error.reason) : error.detail;
}

Result<std::shared_ptr<const net::TlsClientContext>> trust_for(const codec::HttpsUrl& url,
                                                               const std::string& ca_file) {
    if (!url.tls) return nullptr;
    net::TlsClientSettings settings;
    if (!ca_file.empty()) {
        GH_TRY(settings.ca_pem, net::read_pem_file(ca_file));
        settings.ca_source = ca_file;
    }
    return net::TlsClientContext::make(settings);
}

Result<std::string> credential_in(const std::string& file) {
    constexpr std::size_t bytes_max = std::size_t{8} * 1024;
    GH_TRY(const auto text, config::read_file(file, bytes_max));
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = std::min(text.find_first_not_of(blanks), text.size());
    const auto behind = text.find_last_not_of(blanks) + 1;  // 0: there are only blanks
    const auto word = std::string_view(text).substr(first, behind - std::min(first, behind));
    const auto sendable = [](char c) { return c > 0x20 && c < 0x7f; };
    if (word.empty() || !std::ranges::all_of(word, sendable))
        return fail(ErrorKind::invalid_argument, "credential.none", "the file holds no token");
    return std::string(word);
}

}  // namespace gh::app
