// SPDX-License-Identifier: Apache-2.0
#include "identity/process/language.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "identity/process/proc_tree.h"

namespace subfloor::identity {
namespace {

TEST(LanguageOfName, KnowsInterpretersWithAndWithoutVersion) {
  const std::pair<const char*, Language> known[] = {
      {"/usr/bin/python3.11", Language::python},
      {"python", Language::python},
      {"/opt/pypy3", Language::python},
      {"/usr/bin/node", Language::nodejs},
      {"/usr/bin/node18", Language::nodejs},
      {"/usr/bin/nodejs", Language::nodejs},
      {"/usr/bin/ruby3.1", Language::ruby},
      {"/usr/bin/php8.2", Language::php},
      {"/usr/sbin/php-fpm8.2", Language::php},
      {"/usr/bin/php-cgi", Language::php},
      {"/usr/lib/jvm/java-17/bin/java", Language::java},
      {"/usr/share/dotnet/dotnet", Language::dotnet},
      {"/usr/bin/perl", Language::unknown},
      {"/usr/bin/bash", Language::unknown},
  };
  for (const auto& [path, language] : known) {
    ASSERT_TRUE(language_of_name(path)) << path;
    EXPECT_EQ(*language_of_name(path), language) << path;
  }
}

TEST(LanguageOfName, IsNotMisledByBeginnings) {
  for (const char* path : {"/usr/bin/node_exporter", "/usr/bin/javac", "/usr/bin/pythonista", "/usr/sbin/nginx", "",
                           "/usr/bin/rubyist", "/usr/bin/sha256sum", "/python3/app"}) {
    EXPECT_FALSE(language_of_name(path)) << path;
  }
}

TEST(LanguageOfMaps, KnowsRuntimes) {
  const std::pair<const char*, Language> known[] = {
      {"/usr/lib/jvm/java-17/lib/server/libjvm.so", Language::java},
      {"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", Language::python},
      {"/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libcoreclr.so", Language::dotnet},
      {"/usr/lib/libnode.so.108", Language::nodejs},
      {"/usr/lib/libruby-3.1.so.3.1", Language::ruby},
      {"/usr/lib/apache2/modules/libphp8.2.so", Language::php},
      {"/tmp/libjvm.so (deleted)", Language::java},
      {"/usr/lib/libpythonic.so", Language::unknown},
      {"/usr/lib/libnodelet.so.1", Language::unknown},
      {"/libjvm/other.so", Language::unknown},
  };
  for (const auto& [path, language] : known) {
    const std::string maps =
        "55d0c0000000-55d0c0001000 r--p 00000000 08:01 12 /usr/bin/app\n"
        "7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n"
        "7f0000001000-7f0000002000 r-xp 00000000 08:01 34 " +
        std::string(path) + "\n";
    EXPECT_EQ(language_of_maps(maps), language) << path;
  }
}

TEST(LanguageOfMaps, SurvivesDamage) {
  for (const char* maps : {"", "\n\n", "/", "/libjvm", "x /libjvm.so", "no newline"}) (void)language_of_maps(maps);
  EXPECT_EQ(language_of_maps("x /libjvm.so"), Language::java);
}

struct LanguageDetectorOn : testing::Test {
  ProcTree tree;
  ProcFiles proc{tree.root()};
  LanguageDetector detector{proc};

  Language detect(const ProcTree::Fake& fake) {
    tree.add(42, fake);
    return detector.detect(proc.read(42).value_or(Process{}));
  }
};

TEST_F(LanguageDetectorOn, TakesTheMappedRuntimeOverANativeLauncher) {
  const std::string launcher = std::filesystem::canonical("/proc/self/exe");
  EXPECT_EQ(detect({.executable = launcher}), Language::cpp);
  EXPECT_EQ(detect({.executable = launcher, .maps = "1-2 r-xp 0 0:0 1 /usr/lib/libjvm.so\n"}), Language::java);
}

TEST_F(LanguageDetectorOn, NoticesThatAFileWasReplaced) {
  const std::string file = tree.root() + "/program";
  std::ofstream(file) << "no program";
  EXPECT_EQ(detect({.executable = file}), Language::unknown);
  std::filesystem::remove(file);
  std::filesystem::copy_file(std::filesystem::canonical("/proc/self/exe"), file);
  EXPECT_EQ(detect({.executable = file}), Language::cpp);
}

TEST_F(LanguageDetectorOn, OpensOnlyRegularFiles) {
  const std::string fifo = tree.root() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(detect({.executable = fifo}), Language::unknown);  // opening it for reading would never return
}

TEST_F(LanguageDetectorOn, ReadsTheFileOfAnExitedProcessUnlessItWasInAContainer) {
  Process process;
  process.pid = 77;
  process.executable = std::filesystem::canonical("/proc/self/exe");
  EXPECT_EQ(detector.detect(process), Language::cpp);
  process.container_id = std::string(64, 'a');
  EXPECT_EQ(detector.detect(process), Language::unknown);
}

}  // namespace
}  // namespace subfloor::identity
