# One target that everything links: warnings, sanitizers, hardening.
add_library(gh_options INTERFACE)
target_compile_options(gh_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>   # designated initializers leave fields out on purpose
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers -Wno-missing-field-initializers>
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(gh_options INTERFACE -fuse-ld=lld)
endif()
if(GATEHOUSE_SANITIZE)
  target_compile_options(gh_options INTERFACE -fsanitize=${GATEHOUSE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(gh_options INTERFACE -fsanitize=${GATEHOUSE_SANITIZE})
endif()
if(GATEHOUSE_FUZZ)
  # Coverage for every room; the fuzz targets add the driver when they link.
  target_compile_options(gh_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(GATEHOUSE_HARDEN)
  target_compile_options(gh_options INTERFACE
    -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -flto=thin)
  target_compile_definitions(gh_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(gh_options INTERFACE -pie -flto=thin -Wl,-z,relro,-z,now,-z,noexecstack
    -Wl,--thinlto-cache-dir=${CMAKE_BINARY_DIR}/lto-cache)  # the second link takes what did not change from here
endif()
