#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace bizond {
namespace {

TEST(ErrorTest, KindNamesReadBack) {
  for (const ErrorKind kind :
       {ErrorKind::kTransient, ErrorKind::kPermanent, ErrorKind::kConfig, ErrorKind::kStopped}) {
    EXPECT_EQ(ParseErrorKind(ErrorKindName(kind)), kind);
  }
  EXPECT_EQ(ErrorKindName(ErrorKind::kConfig), "config");
  EXPECT_EQ(ParseErrorKind("Transient"), std::nullopt);
  EXPECT_EQ(ParseErrorKind(""), std::nullopt);
}

TEST(ErrorTest, ErrnoDecidesTheKind) {
  struct Row {
    int number;
    ErrorKind kind;
    const char* code;
  };
  for (const Row& row : {Row{ENOSPC, ErrorKind::kTransient, "disk_full"},
                         Row{EMFILE, ErrorKind::kTransient, "too_many_open_files"},
                         Row{EIO, ErrorKind::kPermanent, "io_error"},
                         Row{EACCES, ErrorKind::kPermanent, "permission_denied"},
                         Row{ENOENT, ErrorKind::kPermanent, "not_found"},
                         Row{ENOTTY, ErrorKind::kPermanent, "system_error"},
                         Row{ECANCELED, ErrorKind::kStopped, "stopped"}}) {
    const Error error = ErrnoError(row.number, "cannot open /data/x");
    EXPECT_EQ(error.kind, row.kind) << row.number;
    EXPECT_EQ(error.code, row.code);
  }
}

TEST(ErrorTest, ErrnoMessageNamesThePlaceAndTheCause) {
  const Error error = ErrnoError(ENOENT, "cannot open /data/x");
  EXPECT_EQ(error.message, "cannot open /data/x: No such file or directory");
  EXPECT_FALSE(error.remedy.empty());
  EXPECT_EQ(ErrnoError(ENOENT, "x", "Create it").remedy, "Create it");
}

TEST(ErrorTest, DescribeIsOneLine) {
  EXPECT_EQ(Describe(Error{ErrorKind::kConfig, "bad", "it broke", "mend it"}),
            "it broke (bad). mend it");
  EXPECT_EQ(Describe(Error{ErrorKind::kConfig, "bad", "it broke", ""}), "it broke (bad)");
  EXPECT_EQ(Describe(StoppedError("the wait")), "the wait was stopped (stopped)");
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorKind::kPermanent, "odd", "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  BIZOND_ASSIGN_OR_RETURN(const int half, Half(value));
  BIZOND_RETURN_IF_ERROR(Half(half));
  return half / 2;
}

TEST(ErrorTest, MacrosPassTheErrorOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(7).error().code, "odd");
  EXPECT_EQ(Quarter(6).error().code, "odd");
}

}  // namespace
}  // namespace bizond
