"""Bayesian matrix factorisation with side information, fitted by Gibbs sampling.

rating = global mean + b_u + b_i + u . v + noise. Bias and factors of a user are one vector
x = (b_u, u) with a Gaussian prior; its mean is a linear function of which movies the user watched
(the implicit feedback of Koren, 2008). Those of a movie are z = (b_i, v); the mean of their prior
is linear in its genres, year and number of ratings. Priors and noise are sampled too: Bayesian
probabilistic matrix factorisation (Salakhutdinov and Mnih, 2008) with side information (Macau:
Simm et al., 2017).

No user vectors are stored. The posterior of a user's vector is computed from the user's history,
exactly, in every sample (`foreseen.models.factors.fold_in`), so new users need no training.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.compute.cache import LRUCache
from foreseen.data.catalogue import Catalogue
from foreseen.features.user_statistics import UserHistories
from foreseen.models.factors.gibbs import Interactions, Prior, squared_error
from foreseen.models.factors.side_information import side_information, user_features
from foreseen.models.factors.user_posterior import UserPrior
from foreseen.models.predictor import Settings
from foreseen.progress import progress_bar

_REFRESH_GROUPS: Final = 2
"""Groups of samples that are refreshed in rotation, one group per refresh."""
_CACHED_USERS: Final = 512
_SAMPLED: Final = (
    "movies",
    "user_means",
    "user_precisions",
    "noise_precisions",
    "movie_priors",
    "movie_precisions",
)


class FactorSettings(Settings):
    """Settings of the factor model.

    Attributes:
        rank: Number of factors beside the bias.
        directions: Maximum number of leading directions of the watch matrix in both priors.
        sweeps: Gibbs sweeps.
        burn_in: Sweeps before the first sample is kept.
        samples: Samples kept, evenly spaced over the remaining sweeps.
    """

    rank: int = 12
    directions: int = 20
    sweeps: int = 60
    burn_in: int = 24
    samples: int = 12


@dataclass(frozen=True)
class Factors:
    """S samples from the posterior; C movies, D = rank + 1, F user features.

    Attributes:
        mean: Mean of the ratings it was fitted to, of shape 1.
        movies: Vectors of the movies, of shape S x (C + 1) x D; the last is the unknown movie's.
        user_means: Weights of the user features, of shape S x F x D.
        user_precisions: Precisions of the users' prior, of shape S x D x D.
        noise_precisions: Precisions of a rating, of shape S.
        content: Contribution of each movie to the features of its viewers, (C + 1) x (F - 1).
        directions: Number of its last columns that are watch directions, of shape 1; see
            `side_information`.
        movie_priors: Means of the movies' prior, of shape S x (C + 1) x D.
        movie_precisions: Precisions of the movies' prior, of shape S x D x D.
    """

    mean: NDArray[np.float64]
    movies: NDArray[np.float32]
    user_means: NDArray[np.float64]
    user_precisions: NDArray[np.float64]
    noise_precisions: NDArray[np.float64]
    content: NDArray[np.float64]
    directions: NDArray[np.float64]
    movie_priors: NDArray[np.float32]
    movie_precisions: NDArray[np.float64]

    @cached_property
    def unit_vectors(self) -> NDArray[np.float64]:
        """Unit vectors of the movies, of shape (C + 1) x (D - 1).

        The inner product of two is the correlation, over users drawn from the prior, of the
        factors' contributions to the ratings of the two movies.
        """
        precision: NDArray[np.float64] = self.user_precisions.mean(axis=0)
        movies: NDArray[np.float64] = self.movies.astype(np.float64).mean(axis=0)
        mean = movies[:, 1:] @ np.linalg.cholesky(np.linalg.inv(precision)[1:, 1:])
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        return np.ascontiguousarray(mean / np.maximum(length, 1e-9))

    @cached_property
    def by_movie(self) -> NDArray[np.float32]:
        """Vectors with all samples of a movie side by side, of shape (C + 1) x S x D.

        Predictions read one movie after the other, each in every sample.
        """
        return np.ascontiguousarray(self.movies.transpose(1, 0, 2))

    @cached_property
    def user_prior(self) -> UserPrior:
        """The prior of a user's vector."""
        return UserPrior.of(
            self.user_means,
            self.user_precisions,
            self.noise_precisions,
            int(self.directions[0]),
        )

    @cached_property
    def cached_users(
        self,
    ) -> LRUCache[tuple[int, int, int], tuple[UserHistories, NDArray[np.float64]]]:
        """Posterior means of the vectors of the latest users.

        By identity and row of their histories and by the end of the part that was used; a value
        keeps the histories, so that no others can have the same key meanwhile.
        """
        return LRUCache(_CACHED_USERS)

    def extended(self, count: int) -> "Factors":
        """Return factors for a catalogue of `count` movies; new movies equal the unknown one."""
        missing = count + 1 - self.movies.shape[1]
        if missing <= 0:
            return self

        def grown(samples: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.concatenate([samples, np.repeat(samples[:, -1:], missing, 1)], axis=1)

        content = np.concatenate([self.content, np.repeat(self.content[-1:], missing, 0)])
        return replace(
            self,
            movies=grown(self.movies),
            movie_priors=grown(self.movie_priors),
            content=content,
        )


def fit_factors(
    settings: FactorSettings,
    catalogue: Catalogue,
    user: NDArray[np.int32],
    movie: NDArray[np.int32],
    rating: NDArray[np.float64],
    seed: int,
    label: str = "factors",
) -> Factors:
    """Return samples from the posterior given a log of E ratings, in any order.

    Args:
        settings: Settings of the sampler.
        catalogue: C movies.
        user: Any numbering of the users, of shape E.
        movie: Rows of the catalogue, of shape E.
        rating: Stars, of shape E.
        seed: Random seed.
        label: Label of the progress bar.
    """
    generator = np.random.default_rng(seed)
    interactions = Interactions.of(user, movie, rating)
    rated, by_user, by_movie = interactions.rated, interactions.by_user, interactions.by_movie
    side = side_information(catalogue, interactions.user, movie, settings.directions)
    movie_inputs = np.ascontiguousarray(side.movies[rated])
    user_inputs = user_features(by_user.starts, rated[by_user.other], side.content, side.directions)
    global_mean, size = float(rating.mean()), settings.rank + 1
    z = 0.1 * generator.standard_normal((len(rated), size))
    user_prior, movie_prior = Prior.start(user_inputs, size), Prior.start(movie_inputs, size)
    precision = 1.0
    keep = set(np.linspace(settings.burn_in, settings.sweeps - 1, settings.samples).astype(int))
    samples: list[Factors] = []
    with progress_bar(label, settings.sweeps) as advance:
        for sweep in range(settings.sweeps):
            mean = user_inputs @ user_prior.weights
            x = by_user.draw(z, mean, user_prior.precision, precision, global_mean, generator)
            user_prior = user_prior.sampled(x, user_inputs, generator)
            mean = movie_inputs @ movie_prior.weights
            z = by_movie.draw(x, mean, movie_prior.precision, precision, global_mean, generator)
            movie_prior = movie_prior.sampled(z, movie_inputs, generator)
            error = squared_error(by_user.starts, by_user.other, by_user.rating, x, z, global_mean)
            precision = float(generator.gamma(1 + len(rating) / 2, 1 / (1 + error / 2)))
            if sweep in keep:
                # A movie without ratings has the mean of its prior: a draw would only add noise.
                prior_means = side.movies @ movie_prior.weights
                vectors = prior_means.copy()
                vectors[rated] = z
                samples.append(
                    Factors(
                        np.array([global_mean]),
                        vectors.astype(np.float32),
                        user_prior.weights,
                        user_prior.precision,
                        np.array(precision),
                        side.content,
                        np.array([float(side.directions)]),
                        prior_means.astype(np.float32),
                        movie_prior.precision,
                    )
                )
            advance(1)
    return replace(
        samples[0],
        **{name: np.stack([getattr(sample, name) for sample in samples]) for name in _SAMPLED},
    )


def refresh_factors(factors: Factors, interactions: Interactions, number: int) -> Factors:
    """Return factors with movie vectors redrawn given a longer log; priors and noise are kept.

    Every second sample is continued for one sweep of the sampler, the others by the next refresh.

    Args:
        factors: The factors.
        interactions: All known ratings.
        number: Number of refreshes before this one; it seeds the random draws.
    """
    generator = np.random.default_rng(number)
    rated, by_user, by_movie = interactions.rated, interactions.by_user, interactions.by_movie
    user_inputs = user_features(
        by_user.starts, rated[by_user.other], factors.content, int(factors.directions[0])
    )
    global_mean = float(factors.mean[0])
    vectors = factors.movies.copy()
    for sample in range(number % _REFRESH_GROUPS, len(vectors), _REFRESH_GROUPS):
        z = vectors[sample, rated].astype(np.float64)
        prior = factors.movie_priors[sample, rated].astype(np.float64)
        mean = user_inputs @ factors.user_means[sample]
        precision = float(factors.noise_precisions[sample])
        x = by_user.draw(
            z, mean, factors.user_precisions[sample], precision, global_mean, generator
        )
        vectors[sample, rated] = by_movie.draw(
            x, prior, factors.movie_precisions[sample], precision, global_mean, generator
        )
    return replace(factors, movies=vectors)
