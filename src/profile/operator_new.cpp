// Replaces operator new and delete of the program that links it. The others (arrays, sizes, nothrow) call these two; those
// for types of large alignment stay as they are.

#include <new>

#include "profile/allocations.hpp"

void* operator new(std::size_t size) { return gh::profile::heap::allocate(size); }
void operator delete(void* memory) noexcept { gh::profile::heap::release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    gh::profile::heap::release(memory);
}
