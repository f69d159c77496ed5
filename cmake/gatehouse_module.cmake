# gatehouse_module(NAME room DEPS ... [PRIVATE_DEPS ...] [LIBS ...] [PRIVATE_LIBS ...] SOURCES ... [TESTS ...])
#
# A room is one target, gh_<room>. Its headers are reachable only through its door,
# <build>/doors/<room>/<room> -> src/<room>, so that including a room which was not declared in DEPS does not compile.
# DEPS are rooms whose headers appear in ours; PRIVATE_DEPS are rooms that only our .cpp files need.
# TESTS make one test program per room that links the declared closure only.
function(gatehouse_module)
  cmake_parse_arguments(M "" "NAME" "DEPS;PRIVATE_DEPS;LIBS;PRIVATE_LIBS;SOURCES;TESTS;TEST_DEPS" ${ARGN})
  set(door ${CMAKE_BINARY_DIR}/doors/${M_NAME})
  file(MAKE_DIRECTORY ${door})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${door}/${M_NAME} SYMBOLIC)

  list(TRANSFORM M_DEPS PREPEND gh_)
  list(TRANSFORM M_PRIVATE_DEPS PREPEND gh_)
  list(TRANSFORM M_TEST_DEPS PREPEND gh_)
  if(M_SOURCES)
    add_library(gh_${M_NAME} STATIC ${M_SOURCES})
    target_include_directories(gh_${M_NAME} PUBLIC ${door})
    target_link_libraries(gh_${M_NAME}
      PUBLIC ${M_DEPS} ${M_LIBS} gh_options PRIVATE ${M_PRIVATE_DEPS} ${M_PRIVATE_LIBS})
  else()
    add_library(gh_${M_NAME} INTERFACE)
    target_include_directories(gh_${M_NAME} INTERFACE ${door})
    target_link_libraries(gh_${M_NAME} INTERFACE ${M_DEPS} ${M_LIBS} gh_options)
  endif()

  if(M_TESTS AND GATEHOUSE_TESTS)
    find_package(GTest REQUIRED)
    add_executable(gh_${M_NAME}_test ${M_TESTS})
    target_link_libraries(gh_${M_NAME}_test PRIVATE gh_${M_NAME} ${M_TEST_DEPS} GTest::gtest_main)
    target_compile_definitions(gh_${M_NAME}_test PRIVATE GATEHOUSE_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
    add_test(NAME ${M_NAME} COMMAND gh_${M_NAME}_test)
    set_tests_properties(${M_NAME} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()
