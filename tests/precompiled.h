// The precompiled header of all tests: what most of them include, and what is slow to read. A test
// still includes what it uses.
#ifndef BIZOND_TESTS_PRECOMPILED_H_
#define BIZOND_TESTS_PRECOMPILED_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#endif  // BIZOND_TESTS_PRECOMPILED_H_
