"""A Bayesian factor model with side information, learned by Gibbs sampling.

rating = level + b_u + b_i + u . v + noise. Biases and factors of a user are one vector x = (b_u, u)
with a Gaussian prior whose mean is a linear function of what the user watches, whatever they
thought of it (the implicit feedback of Koren, 2008); those of a movie, z = (b_i, v), likewise of
its genres, year and views. Priors and noise are sampled too: Bayesian probabilistic matrix
factorisation (Salakhutdinov and Mnih, 2008) with side information (Macau: Simm et al., 2017).

Users are not kept. A user's vector is worked out anew from their history, exactly, for every
sample (`foreseen.models.factors.fold_in`): a new user is served like an old one.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from foreseen.data.catalogue import Catalogue
from foreseen.models.factors.gibbs import Interactions, Prior, squared_error
from foreseen.models.factors.side_information import side_information, user_features
from foreseen.models.factors.user_posterior import UserPrior
from foreseen.models.predictor import Settings
from foreseen.progress import progress_bar

_TURNS: Final = 2
"""Samples are refreshed in turns, one in so many at a time."""
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
        directions: Leading directions of the watch matrix that both priors are told.
        sweeps: Gibbs sweeps.
        burn_in: Sweeps before the first sample is kept.
        samples: Samples kept, evenly spaced over the rest.
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
        mean: Mean rating it was fitted to, of shape 1.
        movies: Movies' vectors, of shape S x (C + 1) x D; the last movie is the unknown one.
        user_means: Weights of the user features, of shape S x F x D.
        user_precisions: Precisions of the users' prior, of shape S x D x D.
        noise_precisions: Of the ratings, of shape S.
        content: What each movie adds to the features of who watches it, (C + 1) x (F - 1).
        directions: How many of the last of those are watch directions, of shape 1; see
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
    def similarity(self) -> NDArray[np.float64]:
        """Movies' mean vectors, scaled to what they move a user by, each of length one."""
        precision: NDArray[np.float64] = self.user_precisions.mean(axis=0)
        movies: NDArray[np.float64] = self.movies.astype(np.float64).mean(axis=0)
        mean = movies[:, 1:] @ np.linalg.cholesky(np.linalg.inv(precision)[1:, 1:])
        length = np.linalg.norm(mean, axis=1, keepdims=True)
        return np.ascontiguousarray(mean / np.maximum(length, 1e-9))

    @cached_property
    def by_movie(self) -> NDArray[np.float32]:
        """The movies' vectors, all samples of a movie side by side, of shape (C + 1) x S x D.

        Walks ask for one movie after the other, in every sample.
        """
        return np.ascontiguousarray(self.movies.transpose(1, 0, 2))

    @cached_property
    def user_prior(self) -> UserPrior:
        """What is known of a user before any rating."""
        return UserPrior.of(
            self.user_means,
            self.user_precisions,
            self.noise_precisions,
            int(self.directions[0]),
        )

    def extended(self, count: int) -> "Factors":
        """Return factors for a catalogue grown to `count` movies; new ones are as the unknown."""
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
    what: str = "factors",
) -> Factors:
    """Sample from the posterior given a log; its order does not matter.

    Args:
        settings: How to sample.
        catalogue: C movies.
        user: Any numbering of users, of shape E.
        movie: Rows of the catalogue, of shape E.
        rating: Stars, of shape E.
        seed: Of all draws.
        what: Shown beside the progress bar.
    """
    generator = np.random.default_rng(seed)
    interactions = Interactions.of(user, movie, rating)
    watched, users, movies = interactions.watched, interactions.users, interactions.movies
    side = side_information(catalogue, interactions.viewer, movie, settings.directions)
    about_movies = np.ascontiguousarray(side.movies[watched])
    about_users = user_features(users.starts, watched[users.other], side.content, side.directions)
    level, size = float(rating.mean()), settings.rank + 1
    z = 0.1 * generator.standard_normal((len(watched), size))
    user_prior, movie_prior = Prior.start(about_users, size), Prior.start(about_movies, size)
    precision = 1.0
    keep = set(np.linspace(settings.burn_in, settings.sweeps - 1, settings.samples).astype(int))
    samples: list[Factors] = []
    with progress_bar(what, settings.sweeps) as advance:
        for sweep in range(settings.sweeps):
            mean = about_users @ user_prior.weights
            x = users.draw(z, mean, user_prior.precision, precision, level, generator)
            user_prior = user_prior.sampled(x, about_users, generator)
            mean = about_movies @ movie_prior.weights
            z = movies.draw(x, mean, movie_prior.precision, precision, level, generator)
            movie_prior = movie_prior.sampled(z, about_movies, generator)
            error = squared_error(users.starts, users.other, users.rating, x, z, level)
            precision = float(generator.gamma(1 + len(rating) / 2, 1 / (1 + error / 2)))
            if sweep in keep:
                # A movie without ratings is its prior's mean: a draw would only add noise.
                expected = side.movies @ movie_prior.weights
                vectors = expected.copy()
                vectors[watched] = z
                samples.append(
                    Factors(
                        np.array([level]),
                        vectors.astype(np.float32),
                        user_prior.weights,
                        user_prior.precision,
                        np.array(precision),
                        side.content,
                        np.array([float(side.directions)]),
                        expected.astype(np.float32),
                        movie_prior.precision,
                    )
                )
            advance(1)
    return replace(
        samples[0],
        **{name: np.stack([getattr(sample, name) for sample in samples]) for name in _SAMPLED},
    )


def refresh_factors(factors: Factors, interactions: Interactions, number: int) -> Factors:
    """Let the movies' vectors learn from a longer log; priors and noise stay as they are.

    Every other sample goes on from where it is for another sweep of the same sampler, the others
    the next time.

    Args:
        factors: To go on from.
        log: All that is known.
        number: How many refreshes went before; it seeds all draws.
    """
    generator = np.random.default_rng(number)
    watched, users, movies = interactions.watched, interactions.users, interactions.movies
    about_users = user_features(
        users.starts, watched[users.other], factors.content, int(factors.directions[0])
    )
    level = float(factors.mean[0])
    vectors = factors.movies.copy()
    for sample in range(number % _TURNS, len(vectors), _TURNS):
        z = vectors[sample, watched].astype(np.float64)
        prior = factors.movie_priors[sample, watched].astype(np.float64)
        mean = about_users @ factors.user_means[sample]
        precision = float(factors.noise_precisions[sample])
        x = users.draw(z, mean, factors.user_precisions[sample], precision, level, generator)
        vectors[sample, watched] = movies.draw(
            x, prior, factors.movie_precisions[sample], precision, level, generator
        )
    return replace(factors, movies=vectors)
