#pragma once

#include "base/error.hpp"

// The only two macros of the house: unwrap a Result or hand its error to the caller.
//   GH_TRY(auto value, read());        GH_CO_TRY(auto value, co_await fetch());
//   GH_TRY_VOID(check());  is for Result<void>.

#define GH_TRY_JOIN_(a, b) a##b
#define GH_TRY_NAME_(a, b) GH_TRY_JOIN_(a, b)
#define GH_TRY_IMPL_(decl, expr, temp, ret)                  \
    auto temp = (expr);                                      \
    if (!temp) ret std::unexpected(std::move(temp).error()); \
    decl = *std::move(temp)
#define GH_TRY_VOID_IMPL_(expr, temp, ret) \
    if (auto temp = (expr); !temp) ret std::unexpected(std::move(temp).error())

#define GH_TRY(decl, expr) GH_TRY_IMPL_(decl, expr, GH_TRY_NAME_(gh_try_, __LINE__), return)
#define GH_CO_TRY(decl, expr) GH_TRY_IMPL_(decl, expr, GH_TRY_NAME_(gh_try_, __LINE__), co_return)
#define GH_TRY_VOID(expr) GH_TRY_VOID_IMPL_(expr, GH_TRY_NAME_(gh_try_, __LINE__), return)
#define GH_CO_TRY_VOID(expr) GH_TRY_VOID_IMPL_(expr, GH_TRY_NAME_(gh_try_, __LINE__), co_return)
