/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of the C++ interface: what cmocka does for C, but that a failed check is
 * an exception, so that destructors run.
 */
#ifndef TESTS_UNIT_CPP_HH
#define TESTS_UNIT_CPP_HH

#include <kucomms/kucomms.hpp>

#include <cstdio>
#include <initializer_list>
#include <stdexcept>
#include <string>

struct test {
	const char *name;
	void (*run)();
};

inline void check_that(bool holds, const char *what, const char *file, int line)
{
	if (!holds)
		throw std::runtime_error(std::string(file) + ':' +
					 std::to_string(line) + ": " + what);
}

#define assert_true(condition) \
	check_that(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

/* Does @function throw a kucomms::error that is @code? */
template <class Code, class Function>
bool throws(Code code, Function function)
{
	try {
		function();
	} catch (const kucomms::error &error) {
		return error.code() == code;
	}
	return false;
}

inline bool passes(const test &test)
{
	try {
		test.run();
	} catch (const std::exception &failed) {
		std::printf("# %s\n", failed.what());
		return false;
	}
	return true;
}

/* Writes TAP; returns what main() is to. */
inline int run_tests(std::initializer_list<test> tests)
{
	int number = 0, failed = 0;
	bool good;

	std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
	std::printf("1..%zu\n", tests.size());
	for (const test &test : tests) {
		good = passes(test);
		failed += !good;
		std::printf("%s %d - %s\n", good ? "ok" : "not ok", ++number,
			    test.name);
	}
	return failed ? 1 : 0;
}

#define TEST(function) test{#function, function}

#endif
