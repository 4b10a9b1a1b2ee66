// The rules, held to planted violations and to code that only looks like one.
#include "tests/tidy/house_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bizond::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Lines(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += "  ++x;\n";
  return text;
}

std::vector<int> LinesOf(const Violations& violations) {
  std::vector<int> lines;
  for (const Violation& violation : violations) lines.push_back(violation.line);
  return lines;
}

std::vector<int> BrokenIncludes(const std::string& path, const std::string& text) {
  return LinesOf(CheckIncludes(SourceText::Parse(path, text)));
}

TEST(SourceTextTest, BlanksCommentsLiteralsAndDirectives) {
  const SourceText source = SourceText::Parse("a.cc",
                                              "int a = 1'000;  // std::cout\n"
                                              "auto b = \"std::cout \\\" {\"; char c = '{';\n"
                                              "/* { \n { */ int d;\n"
                                              "auto e = R\"x( } )\" } )x\"; int f;\n"
                                              "#define G {\\\n {\n"
                                              "int h;\n");
  std::string code;
  for (const std::string& line : source.code) code += line;
  EXPECT_EQ(code.find_first_of("{}"), std::string::npos) << code;
  EXPECT_EQ(code.find("cout"), std::string::npos) << code;
  for (const char* kept : {"1'000", "char c", "int d", "int f", "int h"}) {
    EXPECT_THAT(code, HasSubstr(kept));
  }
  EXPECT_EQ(source.code.size(), source.lines.size());
}

std::vector<std::string> SharedClasses(const std::string& text) {
  std::vector<std::string> names;
  for (const ClassDefinition& found : FindSharedClasses(SourceText::Parse("a.cc", text))) {
    names.push_back(found.name + ":" + std::to_string(found.line));
  }
  return names;
}

TEST(ClassNamesTest, FindsWhatOtherFilesSee) {
  EXPECT_THAT(
      SharedClasses("namespace bizond {\n"
                    "class Forward;\n"
                    "class A final : public B<int> {\n  struct Inner {};\n};\n"
                    "template <class T>\nstruct [[nodiscard]] C\n    : D {\n};\n"
                    "enum class E : uint8_t { kOne };\n"
                    "namespace tidy { union F { int i; }; }\n"
                    "}\n"
                    "struct Global {};\n"),
      ElementsAre("bizond::A:3", "bizond::C:8", "bizond::E:10", "bizond::tidy::F:11", "Global:13"));
  EXPECT_THAT(SharedClasses("namespace bizond {\n"
                            "namespace {\nclass A {};\nnamespace x { struct B {}; }\n}\n"
                            "void f() { struct C {}; }\n"
                            "struct D g() { return {}; }\n"
                            "template <>\nstruct E<int> {};\n"
                            "struct H::I {};\n"
                            "// struct J {};\n"
                            "}\n"),
              IsEmpty());
}

TEST(ClassNamesTest, OneNameIsOneFiles) {
  const std::string shared = "namespace bizond { struct A {}; }";
  const std::string own = "namespace bizond { namespace { struct A {}; } }";
  const auto check = [](const std::string& first, const std::string& second) {
    return CheckClassNames(
        {SourceText::Parse("base/a.h", first), SourceText::Parse("sync/b.cc", second)});
  };
  const Violations found = check(shared, "\n" + shared);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "sync/b.cc");
  EXPECT_EQ(found[0].line, 2);
  EXPECT_THAT(found[0].message, HasSubstr("bizond::A is the name of another class in base/a.h"));
  EXPECT_THAT(check(shared, own), IsEmpty());
  EXPECT_THAT(check(shared, "namespace bizond::web { struct A {}; }"), IsEmpty());
  EXPECT_THAT(check(shared, "namespace bizond { struct A; }"), IsEmpty());
}

TEST(IncludesTest, HoldTheTable) {
  EXPECT_THAT(BrokenIncludes("base/a.cc", "#include \"base/b.h\"\n#include \"sync/c.h\"\n"),
              ElementsAre(2));
  EXPECT_THAT(BrokenIncludes("store/a.cc", "#include \"sources/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("sources/a.cc", "#include \"destinations/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("destinations/a.cc", "#include \"store/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("scheduler/a.cc", "#include \"sources/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("web/a.cc", "#include \"cli/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("cli/a.cc", "#include \"web/b.h\"\n#include <sources/x.h>\n"),
              IsEmpty());
  EXPECT_THAT(BrokenIncludes("app/a.cc", "#include \"sources/b.h\"\n"), IsEmpty());
  EXPECT_THAT(BrokenIncludes("cli/a.cc", "#include \"app/b.h\"\n"), ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("main.cc", "#include \"sources/b.h\"\n"), IsEmpty());
  EXPECT_THAT(BrokenIncludes("tests/sync/a.cc", "#include \"store/b.h\"\n"), IsEmpty());
  EXPECT_THAT(BrokenIncludes("store/a.cc", "#include \"embedded/migrations.h\"\n"), IsEmpty());
  EXPECT_THAT(BrokenIncludes("sync/a.cc", "#include \"tests/fakes/b.h\"\n"), ElementsAre(1));
}

TEST(IncludesTest, StartAtTheRoot) {
  EXPECT_THAT(BrokenIncludes("base/a.cc", "#include \"b.h\"\n#include \"../sync/c.h\"\n"),
              ElementsAre(1, 2));
}

TEST(IncludesTest, KeepConnectorsApart) {
  EXPECT_THAT(BrokenIncludes("sources/file/a.cc", "#include \"sources/dummy/b.h\"\n"),
              ElementsAre(1));
  EXPECT_THAT(BrokenIncludes("sources/file/a.cc",
                             "#include \"sources/file/b.h\"\n#include \"sources/decode.h\"\n"),
              IsEmpty());
  EXPECT_THAT(BrokenIncludes("sources/catalog.cc", "#include \"sources/file/b.h\"\n"), IsEmpty());
}

TEST(FunctionLengthsTest, CountFromTheSignature) {
  const auto broken = [](const std::string& text) {
    return LinesOf(CheckFunctionLengths(SourceText::Parse("base/a.cc", text)));
  };
  EXPECT_THAT(broken("void F() {\n" + Lines(67) + "}\n"), IsEmpty());
  EXPECT_THAT(broken("void F() {\n" + Lines(68) + "}\n"), ElementsAre(1));
  EXPECT_THAT(
      broken("namespace a {\nclass B final : public C {\n public:\n  B() : x_{1}, y_(2) {\n" +
             Lines(70) + "  }\n  int x_;\n};\n}\n"),
      ElementsAre(4));
  EXPECT_THAT(broken("template <typename T = int>\nT F(\n    int a) const {\n" + Lines(70) + "}\n"),
              ElementsAre(1));
  EXPECT_THAT(broken("B& B::operator=(B&& b) noexcept {\n" + Lines(70) + "}\n"), ElementsAre(1));
  EXPECT_THAT(broken("struct A F(int a) {\n" + Lines(70) + "}\n"), ElementsAre(1));
  EXPECT_THAT(broken("extern \"C\" {\nvoid F() {\n" + Lines(70) + "}\n}\n"), ElementsAre(2));
  EXPECT_THAT(broken("int a;\nTEST(A, B) {\n  if (x) {\n" + Lines(70) + "  }\n}\nvoid G() {}\n"),
              ElementsAre(2));
}

TEST(FunctionLengthsTest, TablesAndClassesMayBeLong) {
  const auto broken = [](const std::string& text) {
    return LinesOf(CheckFunctionLengths(SourceText::Parse("base/a.cc", text)));
  };
  EXPECT_THAT(broken("constexpr Row kRows[] = {\n" + Lines(90) + "};\n"), IsEmpty());
  EXPECT_THAT(broken("const Row kRow = Make(1, {\n" + Lines(90) + "});\n"), IsEmpty());
  EXPECT_THAT(broken("class A {\n void F();\n" + Lines(90) + "};\n"), IsEmpty());
  EXPECT_THAT(broken("enum class A : int {\n" + Lines(90) + "};\n"), IsEmpty());
  EXPECT_THAT(broken("namespace {\n" + Lines(90) + "}\nvoid F() {}\n"), IsEmpty());
}

TEST(BansTest, HoldOutsideOfTheirRooms) {
  const auto broken = [](const std::string& path, const std::string& text) {
    return LinesOf(CheckBans(SourceText::Parse(path, text)));
  };
  EXPECT_THAT(broken("sync/a.cc", "\nSQLite::Database db;\n"), ElementsAre(2));
  EXPECT_THAT(broken("sources/file/a.cc", "SQLite::Database db;\n"), ElementsAre(1));
  EXPECT_THAT(broken("sources/sqlite/a.cc", "SQLite::Database db;\n"), IsEmpty());
  EXPECT_THAT(broken("cli/a.cc", "httplib::Client c;\n"), ElementsAre(1));
  EXPECT_THAT(broken("store/a.cc", "auto t = std::chrono::system_clock::now();\n"), ElementsAre(1));
  EXPECT_THAT(broken("store/a.cc", "std::this_thread::sleep_for(1s);\n"), ElementsAre(1));
  EXPECT_THAT(broken("base/a.cc", "std::this_thread::sleep_for(1s);\n"), IsEmpty());
  EXPECT_THAT(broken("web/a.cc", "std::cout << 1;\n"), ElementsAre(1));
  EXPECT_THAT(broken("web/a.cc", "// not std::cout\nauto a = \"std::cout\";\n"), IsEmpty());
}

TEST(HeaderTest, OpensWithACommentAndItsGuard) {
  const auto broken = [](const std::string& text) {
    return LinesOf(CheckHeader(SourceText::Parse("sync/a_b.h", text)));
  };
  EXPECT_THAT(
      broken("// Purpose.\n#ifndef BIZOND_SYNC_A_B_H_\n#define BIZOND_SYNC_A_B_H_\n#endif\n"),
      IsEmpty());
  EXPECT_THAT(broken("#ifndef BIZOND_SYNC_A_B_H_\n#define BIZOND_SYNC_A_B_H_\n#endif\n"),
              ElementsAre(1));
  EXPECT_THAT(broken("// Purpose.\n#pragma once\n"), ElementsAre(1));
}

TEST(LengthTest, LimitsSources) {
  EXPECT_THAT(CheckLength(SourceText::Parse("a.cc", Lines(500))), IsEmpty());
  EXPECT_THAT(LinesOf(CheckLength(SourceText::Parse("a.cc", Lines(501)))), ElementsAre(501));
  EXPECT_THAT(CheckLength(SourceText::Parse("a.md", Lines(501))), IsEmpty());
}

TEST(WordsTest, FindWhatMustNotStay) {
  const auto broken = [](const std::string& text) {
    return LinesOf(CheckWords(SourceText::Parse("docs/a.md", text)));
  };
  EXPECT_THAT(broken("fine\n// TO"
                     "DO: later\nFIX"
                     "ME\n"),
              ElementsAre(2, 3));
  EXPECT_THAT(broken("cd /ho"
                     "me/jane/x\npath=/wo"
                     "rk/main\n"),
              ElementsAre(1, 2));
  EXPECT_THAT(broken("/tmp/wo"
                     "rk/a and ~/wo"
                     "rk/b and $HOME/home/c\n"),
              IsEmpty());
}

TEST(CatalogTest, NamesEveryFolder) {
  EXPECT_THAT(CheckCatalog("sources", {"file"}, "#include \"sources/file/file_source.h\""),
              IsEmpty());
  EXPECT_THAT(Describe(CheckCatalog("sources", {"file", "lost"}, "\"sources/file/a.h\"")),
              HasSubstr("sources/catalog.cc:1: does not name the connector folder sources/lost/"));
  EXPECT_THAT(CheckCatalog("destinations", {"google"}, ""), IsEmpty()) << "it is no connector";
}

}  // namespace
}  // namespace bizond::tidy
