// SPDX-License-Identifier: MIT
/*
 * Histograms of kucommsctl bench: every value has a bucket, quantiles are as
 * good as they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../tools/histogram.c"

static struct histogram histogram;

static int empty(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	return 0;
}

static void every_value_has_a_bucket(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		assert_int_equal(bucket_of(bucket_value(i)), i);
	assert_int_equal(bucket_of(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	/* Nothing lies between one bucket and the next. */
	for (i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_int_equal(bucket_of(bucket_value(i) - 1), i - 1);
}

static void nothing_has_no_quantiles(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
}

static void one_value_is_exact(void **state)
{
	(void)state;
	histogram_add(&histogram, 123456789);
	assert_int_equal(histogram.least, 123456789);
	assert_int_equal(histogram_quantile(&histogram, 0), 123456789);
	assert_int_equal(histogram_quantile(&histogram, 1), 123456789);
}

static void check_quantile(double share, uint64_t exact)
{
	const uint64_t found = histogram_quantile(&histogram, share);

	assert_in_range(found, exact - exact / 100, exact);
}

static void quantiles_are_at_most_one_percent_low(void **state)
{
	uint64_t value;

	(void)state;
	for (value = 1000000; value; value--)
		histogram_add(&histogram, value);
	assert_int_equal(histogram.count, 1000000);
	assert_int_equal(histogram.least, 1);
	check_quantile(0.5, 500000);
	check_quantile(0.99, 990000);
	check_quantile(1, 1000000);
}

/* Small ones are exact. */
static void small_values_are_exact(void **state)
{
	uint64_t value;

	(void)state;
	for (value = 1; value <= 200; value++)
		histogram_add(&histogram, value);
	assert_int_equal(histogram_quantile(&histogram, 0.5), 100);
	assert_int_equal(histogram_quantile(&histogram, 0.99), 198);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_value_has_a_bucket, empty),
		cmocka_unit_test_setup(nothing_has_no_quantiles, empty),
		cmocka_unit_test_setup(one_value_is_exact, empty),
		cmocka_unit_test_setup(quantiles_are_at_most_one_percent_low, empty),
		cmocka_unit_test_setup(small_values_are_exact, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
