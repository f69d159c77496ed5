#pragma once

// Windows' own headers. For .cpp files of this folder only.

#include <windows.h>
// In this order.
#include <bcrypt.h>
#include <sddl.h>
#include <wincrypt.h>
