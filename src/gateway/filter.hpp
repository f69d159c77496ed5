#pragma once

#include "base/task.hpp"

namespace gh::gateway {

class Exchange;

enum class Verdict : unsigned char {
    walk_on,
    answered,  // exchange.refuse() or reply() was called: turn around
    wait,      // it takes a while: await wait()
};

/// A door of the gateway. Filters are a loop, not an onion: a filter never calls the next one. One instance per worker,
/// no state of a request in it.
class Filter {
 public:
    virtual ~Filter() = default;
    [[nodiscard]] virtual Verdict on_request(Exchange&) { return Verdict::walk_on; }
    /// After `wait`, until it can say one of the others. Ends when the client does.
    [[nodiscard]] virtual Task<Verdict> wait(Exchange&) { co_return Verdict::walk_on; }
    /// In reverse order, on every response that leaves, errors included. Amends the head only.
    virtual void on_response(Exchange&) {}
};

}  // namespace gh::gateway
