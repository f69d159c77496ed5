#include "gateway/standard_pipeline.hpp"

#include "gateway/filters/answer_proof.hpp"
#include "gateway/filters/authenticate.hpp"
#include "gateway/filters/authorize.hpp"
#include "gateway/filters/check_body_size.hpp"
#include "gateway/filters/check_host.hpp"
#include "gateway/filters/cors.hpp"
#include "gateway/filters/find_client.hpp"
#include "gateway/filters/limit.hpp"
#include "gateway/filters/match_route.hpp"
#include "gateway/filters/redirect.hpp"
#include "gateway/filters/request_ids.hpp"
#include "gateway/filters/secure_response.hpp"
#include "gateway/filters/shed_load.hpp"

namespace gh::gateway {

Pipeline standard_pipeline(Services& house, access::Authenticator& authenticator) {
    Pipeline p;
    p.add<SecureResponse>();  // first, so that its headers stand on every answer, ours and theirs
    p.add<RequestIds>();      // every answer and every log line needs its ids, refusals too
    p.add<FindClient>();      // limits and the log want the client, also of what is refused next
    p.add<ShedLoad>();        // refusing must cost less than serving
    p.add<AnswerProof>(
        house);  // before hosts and redirects: the CA asks for a name that is not proven yet
    p.add<CheckHost>();            // before its routes are told: it may be meant for another site
    p.add<Redirect>();             // a plain listener says where to go and nothing else
    p.add<MatchRoute>();           // the route says which credentials and limits count
    p.add<LimitByAddress>(house);  // before preflights and guessed credentials: both are counted
    p.add<Cors>();                 // before identity: a preflight carries no credentials
    p.add<Authenticate>(house, authenticator);  // before the two that ask who it is
    p.add<Authorize>();                         // before quota: strangers must not drain a tenant
    p.add<LimitByPrincipal>(house);             // counts only what may come in
    p.add<CheckBodySize>();  // last: who may not come in learns nothing about limits
    return p;
}

}  // namespace gh::gateway
