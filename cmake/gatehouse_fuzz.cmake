# gatehouse_fuzz(NAME x DEPS room ...)
#
# One fuzz target, fuzz/<x>.cpp with LLVMFuzzerTestOneInput, and its seeds in fuzz/corpus/<x>/.
# With GATEHOUSE_FUZZ it becomes the libFuzzer program fuzz_<x>. In every other build the same function is linked to a
# small main and becomes the test fuzz_replay_<x>, which runs each file of the corpus: what crashed once stays fixed.
function(gatehouse_fuzz)
  cmake_parse_arguments(F "" "NAME" "DEPS" ${ARGN})
  list(TRANSFORM F_DEPS PREPEND gh_)
  set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${F_NAME})

  if(GATEHOUSE_FUZZ)
    add_executable(fuzz_${F_NAME} ${PROJECT_SOURCE_DIR}/fuzz/${F_NAME}.cpp)
    target_link_options(fuzz_${F_NAME} PRIVATE -fsanitize=fuzzer)
  elseif(GATEHOUSE_TESTS)
    add_executable(fuzz_${F_NAME} ${PROJECT_SOURCE_DIR}/fuzz/${F_NAME}.cpp
                                  ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
    add_test(NAME fuzz_replay_${F_NAME} COMMAND fuzz_${F_NAME} ${corpus})
    set_tests_properties(fuzz_replay_${F_NAME} PROPERTIES LABELS fuzz TIMEOUT 120)
  else()
    return()
  endif()
  target_link_libraries(fuzz_${F_NAME} PRIVATE ${F_DEPS} gh_options)
endfunction()
