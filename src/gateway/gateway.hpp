#pragma once

#include "base/task.hpp"
#include "gateway/worker.hpp"
#include "http/downstream.hpp"

namespace gh::gateway {

/// The walk: every request of one worker comes through handle(), whichever HTTP it speaks.
class Gateway final : public http::Handler {
 public:
    explicit Gateway(Worker& worker) : worker_(worker) {}
    Task<> handle(http::Downstream& client) override;

 private:
    [[nodiscard]] Task<> answer(Exchange& exchange);
    [[nodiscard]] Task<> finish(Exchange& exchange);
    Worker& worker_;
};

}  // namespace gh::gateway
